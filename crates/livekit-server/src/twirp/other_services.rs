//! Services that this server has nothing of: lists are empty (dashboards ask for them), everything else says so.

use super::Call;
use super::error::TwirpError;
use super::wire::Encoding;

/// Answers a call to another service; `None` where LiveKit has no such service or method.
pub(super) fn call(call: &Call<'_>, service: &str, method: &str) -> Option<Result<Vec<u8>, TwirpError>> {
    let (lists, others, what): (&[&str], &[&str], &str) = match service {
        "livekit.Egress" => (&["ListEgress"], EGRESS, "Recording and streaming (Egress)"),
        "livekit.Ingress" => (&["ListIngress"], INGRESS, "Ingress"),
        "livekit.SIP" => (SIP_LISTS, SIP, "Telephony (SIP)"),
        "livekit.AgentDispatchService" => (&["ListDispatch"], AGENTS, "Agent dispatch"),
        _ => return None,
    };
    let is_list = lists.contains(&method);
    if !is_list && !others.contains(&method) {
        return None;
    }
    if call.claims.is_none() {
        return Some(Err(TwirpError::unauthenticated()));
    }
    if is_list {
        return Some(Ok(match call.encoding {
            Encoding::Json => b"{}".to_vec(),
            Encoding::Protobuf => Vec::new(),
        }));
    }
    Some(Err(TwirpError::unimplemented(format!("{what} is not offered by this server: {method} did nothing"))))
}

const EGRESS: &[&str] = &[
    "StartRoomCompositeEgress",
    "StartWebEgress",
    "StartParticipantEgress",
    "StartTrackCompositeEgress",
    "StartTrackEgress",
    "StartEgress",
    "UpdateEgress",
    "UpdateLayout",
    "UpdateStream",
    "StopEgress",
];

const INGRESS: &[&str] = &["CreateIngress", "UpdateIngress", "DeleteIngress"];

const SIP_LISTS: &[&str] = &["ListSIPTrunk", "ListSIPInboundTrunk", "ListSIPOutboundTrunk", "ListSIPDispatchRule"];

const SIP: &[&str] = &[
    "CreateSIPTrunk",
    "CreateSIPInboundTrunk",
    "CreateSIPOutboundTrunk",
    "UpdateSIPInboundTrunk",
    "UpdateSIPOutboundTrunk",
    "GetSIPInboundTrunk",
    "GetSIPOutboundTrunk",
    "DeleteSIPTrunk",
    "CreateSIPDispatchRule",
    "UpdateSIPDispatchRule",
    "DeleteSIPDispatchRule",
    "CreateSIPParticipant",
    "TransferSIPParticipant",
];

const AGENTS: &[&str] = &["CreateDispatch", "DeleteDispatch"];
