use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::{HeaderMap, header};

use super::ApiError;

/// The most bytes of a request's body.
pub(super) const LIMIT: usize = 64 * 1024;

/// Reads a body that has to be JSON by its content type.
///
/// # Errors
/// When it is of another type, too large, or does not come to its end.
pub(super) async fn json(request: Request) -> Result<Bytes, ApiError> {
    if is_json(request.headers()) { bytes(request, LIMIT).await } else { Err(ApiError::MediaType) }
}

/// Reads a body that may be absent; without one no content type is asked for.
///
/// # Errors
/// As [`json`].
pub(super) async fn json_or_nothing(request: Request) -> Result<Bytes, ApiError> {
    let of_json = is_json(request.headers());
    let body = bytes(request, LIMIT).await?;
    match body.is_empty() {
        true => Ok(Bytes::from_static(b"{}")),
        false if of_json => Ok(body),
        false => Err(ApiError::MediaType),
    }
}

/// Reads a body of whatever type and at most so many bytes.
///
/// # Errors
/// When it is too large, or does not come to its end.
pub(super) async fn bytes(mut request: Request, limit: usize) -> Result<Bytes, ApiError> {
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if declared.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > limit as u64) {
        return Err(ApiError::TooLarge(limit / 1024));
    }
    DefaultBodyLimit::max(limit).apply(&mut request);
    Bytes::from_request(request, &()).await.map_err(|error| match error {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
            ApiError::TooLarge(limit / 1024)
        }
        _ => ApiError::Invalid("the body did not come to its end".to_owned()),
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    let Some((kind, format)) = essence.split_once('/') else { return false };
    let suffix = format.rsplit('+').next().unwrap_or_default();
    kind.eq_ignore_ascii_case("application") && suffix.eq_ignore_ascii_case("json")
}
