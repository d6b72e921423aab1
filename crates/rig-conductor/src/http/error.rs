use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::domain::Rejection;
use crate::store::StoreError;

/// Why a request is not answered with what it asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// A member or a parameter is not as it has to be; the text begins with its name.
    #[error("{0}")]
    Invalid(String),
    #[error("a valid token is required (Authorization: Bearer)")]
    Unauthorized,
    #[error("{0}")]
    Forbidden(String),
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Ambiguous(String),
    #[error("{method} is not allowed here")]
    Method { method: String },
    #[error("the body is larger than {0} KiB")]
    TooLarge(usize),
    #[error("the content type has to be application/json")]
    MediaType,
    #[error("`{0}` is not a name of this service")]
    Misdirected(String),
    #[error("the upstream {0}")]
    BadGateway(&'static str),
    #[error("the upstream cannot be reached: {0}")]
    UpstreamDown(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ApiError {
    pub(super) fn invalid(name: &str, why: impl std::fmt::Display) -> Self {
        Self::Invalid(format!("{name}: {why}"))
    }

    /// Says that there is no such escalation.
    pub(super) fn unknown(id: &str) -> Self {
        Self::Store(Rejection::Unknown(id.to_owned()).into())
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Ambiguous(_) => StatusCode::CONFLICT,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Misdirected(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::BadGateway(_) => StatusCode::BAD_GATEWAY,
            Self::UpstreamDown(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(error) => match error {
                StoreError::Rejected(Rejection::Unknown(_)) => StatusCode::NOT_FOUND,
                StoreError::Rejected(Rejection::State(_) | Rejection::OtherContent(_)) => {
                    StatusCode::CONFLICT
                }
                StoreError::Rejected(Rejection::Flood { .. }) => StatusCode::TOO_MANY_REQUESTS,
                StoreError::Conflict | StoreError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
                StoreError::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
            },
        }
    }

    /// Returns after how many seconds it is worth another try.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Store(StoreError::Rejected(Rejection::Flood { retry_after, .. })) => Some(*retry_after),
            Self::Store(StoreError::Conflict) => Some(1),
            Self::Store(StoreError::Unavailable(_)) | Self::UpstreamDown(_) => Some(5),
            _ => None,
        }
    }

    /// Returns what the client is told: of the store's own trouble not more than that there is some.
    fn told(&self) -> String {
        match self {
            Self::Store(StoreError::Unavailable(_)) => "the store cannot be reached".to_owned(),
            Self::Store(StoreError::Broken(_)) => "the store failed".to_owned(),
            other => other.to_string(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Store(StoreError::Unavailable(_) | StoreError::Broken(_)) = &self {
            tracing::error!(error = %self, "a request failed");
        }
        let mut response = (self.status(), Json(json!({ "error": self.told() }))).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if matches!(self, Self::Unauthorized) {
            headers
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"rig-conductor\""));
        }
        response
    }
}
