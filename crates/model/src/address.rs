//! Addresses as they may be shown: a feed's may hold a user's name and password.

use serde::{Serialize, Serializer};
use url::Url;

/// The address without user name and password.
pub fn without_credentials(url: &Url) -> Url {
    let mut bare = url.clone();
    // Refused only for addresses without a host, which have no credentials.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare
}

/// Writes an address for everybody's eyes.
pub(crate) fn serialize_bare<S: Serializer>(url: &Option<Url>, serializer: S) -> Result<S::Ok, S::Error> {
    url.as_ref().map(without_credentials).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_of_a_source_is_written_without_its_password() {
        #[derive(Serialize)]
        struct Told {
            #[serde(serialize_with = "serialize_bare")]
            url: Option<Url>,
        }
        let told = Told { url: Some("https://ann:s3cret@acme.example/feed?a=1".parse().unwrap()) };
        let json = serde_json::to_string(&told).unwrap();
        assert_eq!(json, r#"{"url":"https://acme.example/feed?a=1"}"#);
        assert_eq!(serde_json::to_string(&Told { url: None }).unwrap(), r#"{"url":null}"#);
    }
}
