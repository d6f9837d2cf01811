//! What requests have in common: strict parameters, cursors, and the choice of fields.

use std::fmt;
use std::marker::PhantomData;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use backissue_model::Week;
use serde::de::value::{MapAccessDeserializer, StringDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::api::v1::plain_words::in_plain_words;
use crate::api::v1::schemas::fields_of;
use crate::cursors::{open, seal};
use crate::fault::Fault;
use crate::forms::{FORM_MAX, as_it_is};

/// Items of a page of a list, if the request does not say.
const USUAL: u32 = 50;
/// Most items of a page.
const MOST: u32 = 100;

/// The parameters of a request. Unknown and wrong ones are refused.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Params<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Fault> {
        let query = Query::<T>::from_request_parts(parts, app).await;
        let wrong = |text: String| Fault::BadAddress(in_plain_words("parameter", &text));
        query.map(|Query(query)| Self(query)).map_err(|refused| wrong(refused.body_text()))
    }
}

/// The parameters of a list without filters.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Paged {
    /// Most items to return; 50 if left out.
    #[param(minimum = 1, maximum = 100)]
    pub(super) limit: Option<u32>,
    /// `next` of the page before, from the same list.
    pub(super) cursor: Option<String>,
    /// Only these fields of each item, separated by commas.
    pub(super) fields: Option<String>,
}

/// The parameters of a single thing.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Single {
    /// Only these fields, separated by commas.
    pub(super) fields: Option<String>,
}

/// The parameters of what has none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// The JSON body of a request. Unknown fields and wrong types are refused.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, app: &App) -> Result<Self, Fault> {
        let has_type = request.headers().contains_key(CONTENT_TYPE);
        as_it_is(request.headers())?;
        let body = Json::<Object<T>>::from_request(request, app).await;
        body.map(|Json(Object(body))| Self(body)).map_err(|refused| match refused {
            JsonRejection::JsonDataError(error) => {
                Fault::BadRequest(in_plain_words("field", &error.body_text()))
            }
            JsonRejection::JsonSyntaxError(_) => Fault::BadRequest("Its body is not valid JSON".to_owned()),
            JsonRejection::MissingJsonContentType(_) if has_type => Fault::WrongMedia(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Its body is JSON, so its `Content-Type` is application/json",
            ),
            JsonRejection::MissingJsonContentType(_) => {
                Fault::BadRequest("It lacks the header `Content-Type: application/json`".to_owned())
            }
            refused if refused.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Fault::TooLarge(format!("A request has at most {} KiB", FORM_MAX / 1024))
            }
            _ => Fault::BadRequest("Its body could not be read".to_owned()),
        })
    }
}

/// A JSON object. serde would also take a list of a struct's values for the struct.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Fields(PhantomData))
    }
}

/// A value that a body gives by its name, such as a rating. The name is read as a text first,
/// because serde takes other types in its place for invalid JSON.
pub(super) struct Named<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name: StringDeserializer<D::Error> = String::deserialize(deserializer)?.into_deserializer();
        T::deserialize(name).map(Self)
    }
}

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct List<T> {
    /// The items.
    pub(super) items: Vec<T>,
    /// The cursor of the next page. Null at the end.
    pub(super) next: Option<String>,
}

/// Which page of a list is wanted, and of what each item consists.
pub(super) struct Page {
    /// The list with its filters; its cursors belong to it.
    list: String,
    pub(super) limit: u32,
    /// The place after which the page begins.
    pub(super) after: Option<String>,
    fields: Fields,
}

impl Page {
    /// A page of items of type `T`.
    ///
    /// # Errors
    /// If the limit is out of bounds, the cursor of another list, or a field unknown.
    pub(super) fn of<T: ToSchema>(list: impl Into<String>, given: &Paged) -> Result<Self, Fault> {
        let list = list.into();
        let after = given.cursor.as_deref().map(|cursor| open(&list, cursor)).transpose()?;
        Ok(Self {
            limit: limit(given.limit, USUAL, MOST)?,
            after,
            fields: Fields::of::<T>(given.fields.as_deref())?,
            list,
        })
    }

    /// The list with these items. `next` is the place after the last one.
    pub(super) fn list<T: Serialize>(
        &self,
        items: Vec<T>,
        next: Option<String>,
    ) -> Result<List<Value>, Fault> {
        let items = items.iter().map(|item| self.fields.chosen(item)).collect::<Result<_, _>>()?;
        Ok(List { items, next: next.map(|place| seal(&self.list, &place)) })
    }

    /// The page of a whole list, whose items are in order of their keys.
    pub(super) fn cut<T: Serialize, K: Ord + AsRef<str>>(
        &self,
        mut items: Vec<T>,
        key: impl Fn(&T) -> K,
    ) -> Result<List<Value>, Fault> {
        items.sort_by_key(|item| key(item));
        if let Some(after) = &self.after {
            items.retain(|item| key(item).as_ref() > after.as_str());
        }
        let has_more = items.len() > self.limit as usize;
        items.truncate(self.limit as usize);
        let next = items.last().filter(|_| has_more).map(|last| key(last).as_ref().to_owned());
        self.list(items, next)
    }
}

/// The fields that a request chose. Without a choice, all of them.
pub(super) struct Fields(Option<Vec<String>>);

impl Fields {
    /// The chosen fields of items of type `T`.
    pub(super) fn of<T: ToSchema>(given: Option<&str>) -> Result<Self, Fault> {
        let Some(given) = given else { return Ok(Self(None)) };
        let known = fields_of::<T>();
        let chosen: Vec<String> = given.split(',').map(str::to_owned).collect();
        match chosen.iter().find(|name| !known.contains(name)) {
            Some(unknown) => Err(Fault::BadAddress(format!(
                "“fields” has “{unknown}”; the fields are {}",
                known.join(", ")
            ))),
            None => Ok(Self(Some(chosen))),
        }
    }

    /// The chosen fields of an item.
    pub(super) fn chosen<T: Serialize>(&self, item: &T) -> Result<Value, Fault> {
        let mut value = serde_json::to_value(item)
            .map_err(|error| Fault::from_bug("an answer could not be written", &error))?;
        if let (Some(chosen), Some(object)) = (&self.0, value.as_object_mut()) {
            object.retain(|name, _| chosen.contains(name));
        }
        Ok(value)
    }
}

/// The number of items that a request wants.
pub(super) fn limit(given: Option<u32>, usual: u32, most: u32) -> Result<u32, Fault> {
    match given {
        Some(limit) if !(1..=most).contains(&limit) => {
            Err(Fault::BadAddress(format!("“limit” is a number from 1 to {most}")))
        }
        limit => Ok(limit.unwrap_or(usual)),
    }
}

/// The week that a request names.
pub(super) fn week(name: &str) -> Result<Week, Fault> {
    name.parse().map_err(|_| Fault::NoSuchWeek(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_list_is_cut_into_pages_that_meet() {
        let names: Vec<String> = (0..7).map(|n| format!("n{n}")).collect();
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let page = Page { list: "names".to_owned(), limit: 3, after, fields: Fields(None) };
            let list = page.cut(names.clone(), |name| name.clone()).unwrap();
            seen.extend(list.items.iter().map(|item| item.as_str().unwrap().to_owned()));
            match list.next {
                Some(next) => after = Some(open("names", &next).unwrap()),
                None => break,
            }
        }
        assert_eq!(seen, names);
    }
}
