//! An OpenID Connect provider: discovery, the address of a login, and checking the ID token.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use backissue_fetch::Secret;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreIdTokenClaims,
    CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::{
    AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, DiscoveryError,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RequestTokenError, Scope, SignatureVerificationError, TokenResponse,
};
use tokio::sync::{Mutex, Semaphore};
use url::Url;

use crate::OpenIdError;
use crate::requests::{NoAnswer, Requests};

/// How long the provider's documents are used. If a key is missing in them, they are requested
/// again at once.
const DOCUMENTS_LAST: Duration = Duration::from_secs(60 * 60);
/// Time limit for a step of a login, including all its requests.
const STEP_WITHIN: Duration = Duration::from_secs(25);
/// Maximum steps of logins that send requests at the same time. Others wait.
const STEPS_AT_ONCE: usize = 4;
/// Maximum difference between the clocks of the provider and of this machine.
const LEEWAY: Duration = Duration::from_secs(60);
/// Maximum characters of a provider's identifier of a person (OpenID Connect Core 1.0, section 2).
pub const SUBJECT_MAX: usize = 255;
/// Maximum characters of a provider's message in an error.
const TOLD: usize = 300;

/// Algorithms for signatures that only the provider can make. A token that is signed with the
/// client's secret, or not signed, is refused.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// The settings of a provider.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// The issuer, exactly as the provider writes it.
    pub issuer: String,
    /// The identifier of this program at the provider.
    pub client: String,
    /// The secret for this identifier. Some providers need none.
    pub secret: Option<Secret>,
    /// The address to which the provider sends the browser back.
    pub redirect: Url,
    /// The name of the provider for people. By default its host.
    pub name: Option<String>,
    /// PEM files with certificate authorities to trust in addition to the system's.
    pub ca: Vec<PathBuf>,
}

/// The secrets of one login, which belong to one browser.
#[derive(Clone)]
pub struct Attempt {
    /// A value that the provider sends back in the address.
    pub state: String,
    /// A value that the provider puts into the ID token.
    pub nonce: String,
    /// A value that proves that the code was requested for this login: 43 to 128 letters and
    /// digits.
    pub verifier: String,
}

/// A person, as the provider describes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The provider's identifier of the person, which never changes.
    pub subject: String,
    /// The name that the person prefers.
    pub name: Option<String>,
    /// The person's mail address, if the provider has verified it.
    pub verified_email: Option<String>,
}

/// A client for a provider. It requests the provider's documents when it needs them, and keeps them
/// for an hour.
#[derive(Debug)]
pub struct Provider {
    settings: ProviderSettings,
    requests: Requests,
    host: String,
    documents: Mutex<Option<(Instant, Arc<CoreProviderMetadata>)>>,
    steps: Semaphore,
}

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

impl Provider {
    /// Prepares the client without sending a request.
    ///
    /// # Errors
    /// [`OpenIdError::Setup`].
    pub fn new(settings: ProviderSettings) -> Result<Self, OpenIdError> {
        let issuer = settings.issuer.parse::<Url>().ok().filter(|url| url.host_str().is_some());
        let Some(issuer) = issuer else {
            return Err(OpenIdError::Setup(format!(
                "`{}` is not the address of an OpenID provider; write for example https://login.example.org/realms/team",
                settings.issuer
            )));
        };
        let requests = Requests::to(&issuer, &settings.ca)?;
        if !requests.is_safe(&issuer) {
            return Err(OpenIdError::Setup(format!(
                "the OpenID provider {} must be reached by https://, since logins would travel in the clear",
                settings.issuer
            )));
        }
        let host = issuer.host_str().unwrap_or_default().to_owned();
        let (documents, steps) = (Mutex::default(), Semaphore::new(STEPS_AT_ONCE));
        Ok(Self { settings, requests, host, documents, steps })
    }

    /// The name of the provider for people.
    pub fn name(&self) -> &str {
        self.settings.name.as_deref().unwrap_or(&self.host)
    }

    /// The provider's issuer.
    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// The address to which the provider sends browsers back.
    pub fn redirect(&self) -> &Url {
        &self.settings.redirect
    }

    /// Requests the provider's documents again. Returns the number of its keys.
    ///
    /// # Errors
    /// [`OpenIdError::Down`].
    pub async fn check(&self) -> Result<usize, OpenIdError> {
        self.step(async { Ok(self.documents(Duration::ZERO).await?.jwks().keys().len()) }).await
    }

    /// The address at which the browser must log in.
    ///
    /// # Errors
    /// [`OpenIdError::Down`].
    pub async fn login_address(&self, attempt: &Attempt) -> Result<Url, OpenIdError> {
        let client = self.client(&*self.step(self.documents(DOCUMENTS_LAST)).await?)?;
        let Attempt { state, nonce, verifier } = attempt.clone();
        let (url, ..) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .add_scopes(["email", "profile"].map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(
                verifier,
            )))
            .url();
        if self.requests.is_safe(&url) {
            Ok(url)
        } else {
            Err(self.down("its page for logins is not at https://".to_owned()))
        }
    }

    /// The person for whom the provider issued this code.
    ///
    /// # Errors
    /// See [`OpenIdError`].
    pub async fn person(&self, code: &str, attempt: &Attempt) -> Result<Person, OpenIdError> {
        self.step(async {
            let documents = self.documents(DOCUMENTS_LAST).await?;
            let token = self.exchange(&documents, code, attempt).await?;
            let nonce = Nonce::new(attempt.nonce.clone());
            let claims = match self.claims(&documents, &token, &nonce) {
                // The provider may have new keys since its documents were requested.
                Err(ClaimsVerificationError::SignatureVerification(
                    SignatureVerificationError::NoMatchingKey
                    | SignatureVerificationError::CryptoError(_)
                    | SignatureVerificationError::AmbiguousKeyId(_),
                )) => self.claims(&*self.documents(Duration::ZERO).await?, &token, &nonce),
                claims => claims,
            };
            let claims = claims.map_err(|error| {
                let mut reason = error.to_string();
                if let ClaimsVerificationError::SignatureVerification(why) = &error {
                    reason = format!("{reason}: {why}");
                }
                self.untrusted(&reason)
            })?;
            self.person_of(&claims)
        })
        .await
    }

    /// Runs a step of a login, under the limits of concurrent steps and of time.
    async fn step<T>(&self, step: impl Future<Output = Result<T, OpenIdError>>) -> Result<T, OpenIdError> {
        let done = tokio::time::timeout(STEP_WITHIN, async {
            let _turn = self.steps.acquire().await.map_err(|error| self.down(error.to_string()))?;
            step.await
        });
        let late = |_| Err(self.down(format!("it did not answer within {} s", STEP_WITHIN.as_secs())));
        done.await.unwrap_or_else(late)
    }

    /// The provider's documents, requested again if they are older than `age`.
    async fn documents(&self, age: Duration) -> Result<Arc<CoreProviderMetadata>, OpenIdError> {
        let mut known = self.documents.lock().await;
        if let Some((since, documents)) = &*known
            && since.elapsed() < age
        {
            return Ok(Arc::clone(documents));
        }
        let issuer = IssuerUrl::new(self.settings.issuer.clone());
        let issuer = issuer.map_err(|error| OpenIdError::Setup(error.to_string()))?;
        let found = CoreProviderMetadata::discover_async(issuer, &self.requests).await;
        let found = Arc::new(found.map_err(|error| self.not_discovered(&error))?);
        *known = Some((Instant::now(), Arc::clone(&found)));
        Ok(found)
    }

    fn client(&self, documents: &CoreProviderMetadata) -> Result<Client, OpenIdError> {
        let secret =
            self.settings.secret.as_ref().map(|secret| ClientSecret::new(secret.reveal().to_owned()));
        let redirect = RedirectUrl::new(self.settings.redirect.to_string());
        let redirect = redirect.map_err(|error| OpenIdError::Setup(error.to_string()))?;
        let client = CoreClient::from_provider_metadata(
            documents.clone(),
            ClientId::new(self.settings.client.clone()),
            secret,
        );
        let by_header = documents.token_endpoint_auth_methods_supported().is_none_or(|ways| {
            ways.contains(&CoreClientAuthMethod::ClientSecretBasic)
                || !ways.contains(&CoreClientAuthMethod::ClientSecretPost)
        });
        let auth = if by_header { AuthType::BasicAuth } else { AuthType::RequestBody };
        Ok(client.set_redirect_uri(redirect).set_auth_type(auth))
    }

    /// Exchanges a code for the ID token.
    async fn exchange(
        &self,
        documents: &CoreProviderMetadata,
        code: &str,
        attempt: &Attempt,
    ) -> Result<CoreIdToken, OpenIdError> {
        let client = self.client(documents)?;
        let request = client.exchange_code(AuthorizationCode::new(code.to_owned()));
        let request = request.map_err(|_| self.down("it has no address for tokens".to_owned()))?;
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.clone()));
        let answer = request.request_async(&self.requests).await;
        let answer = answer.map_err(|error| match error {
            RequestTokenError::ServerResponse(said) => {
                OpenIdError::Refused { host: self.host.clone(), reason: self.told(&said.to_string()) }
            }
            RequestTokenError::Request(why) => self.down(why.to_string()),
            // The body has the token, so it is not told.
            RequestTokenError::Parse(why, _) => self.untrusted(&format!("it cannot be read: {why}")),
            RequestTokenError::Other(why) => self.down(self.told(&why)),
        })?;
        answer.id_token().cloned().ok_or_else(|| self.untrusted("there is none in its answer"))
    }

    /// The claims of an ID token, after all checks (OpenID Connect Core 1.0, section 3.1.3.7).
    fn claims(
        &self,
        documents: &CoreProviderMetadata,
        token: &CoreIdToken,
        nonce: &Nonce,
    ) -> Result<CoreIdTokenClaims, ClaimsVerificationError> {
        let client =
            self.client(documents).map_err(|error| ClaimsVerificationError::Other(error.to_string()))?;
        let is_early = |issued: SystemTime| issued > SystemTime::now() + LEEWAY;
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(|| (SystemTime::now() - LEEWAY).into())
            .set_issue_time_verifier_fn(move |issued| {
                if is_early(issued.into()) { Err("it was issued in the future".to_owned()) } else { Ok(()) }
            });
        let claims = token.claims(&verifier, nonce)?;
        let party = claims.authorized_party();
        if party.is_some_and(|party| **party != self.settings.client) {
            return Err(ClaimsVerificationError::InvalidAudience("it is for another party (azp)".to_owned()));
        }
        Ok(claims.clone())
    }

    fn person_of(&self, claims: &CoreIdTokenClaims) -> Result<Person, OpenIdError> {
        let subject = claims.subject().to_string();
        let is_name = (1..=SUBJECT_MAX).contains(&subject.chars().count());
        if !is_name || subject.contains(char::is_control) {
            return Err(self.untrusted("its subject is empty, too long, or no text"));
        }
        let verified_email = claims.email().filter(|_| claims.email_verified() == Some(true));
        Ok(Person {
            subject,
            name: claims.preferred_username().map(|name| name.to_string()),
            verified_email: verified_email.map(|email| email.to_string()),
        })
    }

    fn not_discovered(&self, error: &DiscoveryError<NoAnswer>) -> OpenIdError {
        let reason = match error {
            DiscoveryError::Request(why) => why.to_string(),
            DiscoveryError::Parse(why) => {
                format!("its document cannot be read: {}", self.told(&why.to_string()))
            }
            DiscoveryError::Response(_, _, why) => format!(
                "it has no document for clients below {} ({}); check `openid_issuer`",
                self.settings.issuer,
                self.told(why)
            ),
            DiscoveryError::Validation(why) => format!(
                "it calls itself differently, so `openid_issuer` must be written letter by letter as it does: {}",
                self.told(why)
            ),
            other => self.told(&other.to_string()),
        };
        self.down(reason)
    }

    fn down(&self, reason: String) -> OpenIdError {
        OpenIdError::Down { host: self.host.clone(), reason }
    }

    fn untrusted(&self, reason: &str) -> OpenIdError {
        OpenIdError::Untrusted { host: self.host.clone(), reason: self.told(reason) }
    }

    /// A provider's message, safe to be logged.
    fn told(&self, text: &str) -> String {
        let scrubbed = self.settings.secret.as_ref().map(|secret| secret.scrub(text));
        let text = scrubbed.as_deref().unwrap_or(text);
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TOLD).collect()
    }
}
