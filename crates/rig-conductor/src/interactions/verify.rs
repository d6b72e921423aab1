//! Whether a request is Discord's: decided before anything in it is read.

use axum::http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use ring::signature::{ED25519, UnparsedPublicKey};

/// A request that is older is a replay.
const OLDEST: SignedDuration = SignedDuration::from_mins(5);

/// Says whether a body was signed with the application's key, and lately.
pub(super) fn is_genuine(key: &[u8; 32], headers: &HeaderMap, body: &[u8], now: Timestamp) -> bool {
    let text = |name: &str| {
        // Of two headers of one name somebody else may have read the other one.
        let mut values = headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    };
    let (Some(signature), Some(time)) = (text("x-signature-ed25519"), text("x-signature-timestamp")) else {
        return false;
    };
    let Ok(signature) = data_encoding::HEXLOWER_PERMISSIVE.decode(signature.as_bytes()) else { return false };
    let signed = [time.as_bytes(), body].concat();
    if UnparsedPublicKey::new(&ED25519, key).verify(&signed, &signature).is_err() {
        return false;
    }
    let sent = time.parse::<i64>().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    sent.is_some_and(|sent| now.duration_since(sent).abs() <= OLDEST)
}
