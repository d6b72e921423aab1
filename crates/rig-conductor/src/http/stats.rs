//! `/api/escalation-stats`: how many, and how long people take.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use rig_wire::Severity;
use serde_json::{Map, Value, json};

use super::query::Query;
use super::{ApiError, Caller, Http, fields, usecases};
use crate::store::{AgentStats, Stats};

pub(super) async fn get(State(http): State<Http>, _: Caller, uri: Uri) -> Result<Json<Value>, ApiError> {
    let query = Query::of(&uri);
    let agent = query.get("agentId").map(|text| fields::agent("agentId", text)).transpose()?;
    let since = query.get("since").map(|text| usecases::time("since", text)).transpose()?;
    let stats = http.app.store.stats(agent.as_ref().map(rig_wire::AgentId::as_str), since).await?;
    Ok(Json(show(&stats)))
}

fn show(stats: &Stats) -> Value {
    let times = &stats.ack_seconds;
    json!({
        "open": by_severity(stats.open),
        "acked": by_severity(stats.acked),
        "closed": stats.closed,
        "timeToAckSeconds": {
            "median": percentile(times, 50),
            "p95": percentile(times, 95),
            "count": times.len(),
        },
        "byAgent": stats.by_agent.iter().map(agent).collect::<Vec<_>>(),
    })
}

fn by_severity(counts: [u64; 3]) -> Map<String, Value> {
    Severity::ALL.iter().zip(counts).map(|(severity, n)| (severity.to_string(), n.into())).collect()
}

fn agent(stats: &AgentStats) -> Value {
    let AgentStats { agent_id, open, acked, closed } = stats;
    json!({
        "agentId": agent_id, "open": open, "acked": acked, "closed": closed,
        "created": open + acked + closed,
    })
}

/// Returns the least value that is at least as great as so many of a hundred.
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        for (sorted, expected) in [
            (vec![], (None, None)),
            (vec![7], (Some(7), Some(7))),
            (vec![1, 9], (Some(1), Some(9))),
            (vec![1, 2, 9], (Some(2), Some(9))),
            ((1..=100).collect(), (Some(50), Some(95))),
        ] {
            assert_eq!((percentile(&sorted, 50), percentile(&sorted, 95)), expected, "{sorted:?}");
        }
    }
}
