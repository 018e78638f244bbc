//! `livekit.RoomService`: reads a call, checks its grant, hands it to the node.

use livekit_protocol as proto;
use node::{ApiCall, ApiReply};

use super::Call;
use super::error::TwirpError;
use super::wire::Encoding;

/// Carries out a method; `None` where there is none of that name.
pub(super) async fn call(call: &Call<'_>, method: &str) -> Option<Result<Vec<u8>, TwirpError>> {
    let read = match method {
        "CreateRoom" => create_room(call),
        "ListRooms" => list_rooms(call),
        "DeleteRoom" => delete_room(call),
        "ListParticipants" => {
            admin(call, |request: &proto::ListParticipantsRequest| &request.room, ApiCall::ListParticipants)
        }
        "GetParticipant" => {
            admin(call, |request: &proto::RoomParticipantIdentity| &request.room, ApiCall::GetParticipant)
        }
        "RemoveParticipant" => {
            admin(call, |request: &proto::RoomParticipantIdentity| &request.room, ApiCall::RemoveParticipant)
        }
        "MutePublishedTrack" => {
            admin(call, |request: &proto::MuteRoomTrackRequest| &request.room, ApiCall::MutePublishedTrack)
        }
        "UpdateParticipant" => {
            admin(call, |request: &proto::UpdateParticipantRequest| &request.room, ApiCall::UpdateParticipant)
        }
        "UpdateSubscriptions" => {
            admin(call, |request: &proto::UpdateSubscriptionsRequest| &request.room, ApiCall::UpdateSubscriptions)
        }
        "SendData" => admin(call, |request: &proto::SendDataRequest| &request.room, ApiCall::SendData),
        "UpdateRoomMetadata" => {
            admin(call, |request: &proto::UpdateRoomMetadataRequest| &request.room, ApiCall::UpdateRoomMetadata)
        }
        "ForwardParticipant" | "MoveParticipant" | "PerformRpc" => call
            .require(|grant| grant.room_admin)
            .and_then(|()| Err(TwirpError::unimplemented(format!("{method} is not offered by this server")))),
        _ => return None,
    };
    Some(match read {
        Ok(api) => carry_out(call, api).await,
        Err(error) => Err(error),
    })
}

fn create_room(call: &Call<'_>) -> Result<ApiCall, TwirpError> {
    let request = call.encoding.decode(call.body)?;
    call.require(|grant| grant.room_create)?;
    Ok(ApiCall::CreateRoom(request))
}

fn list_rooms(call: &Call<'_>) -> Result<ApiCall, TwirpError> {
    let request = call.encoding.decode(call.body)?;
    call.require(|grant| grant.room_list)?;
    Ok(ApiCall::ListRooms(request))
}

fn delete_room(call: &Call<'_>) -> Result<ApiCall, TwirpError> {
    let request = call.encoding.decode(call.body)?;
    call.require(|grant| grant.room_create)?;
    Ok(ApiCall::DeleteRoom(request))
}

/// Methods that need `roomAdmin` for the room they name.
fn admin<T>(call: &Call<'_>, room: impl Fn(&T) -> &String, api: impl Fn(T) -> ApiCall) -> Result<ApiCall, TwirpError>
where
    T: prost::Message + Default + serde::de::DeserializeOwned,
{
    let request: T = call.encoding.decode(call.body)?;
    call.require_admin(room(&request))?;
    Ok(api(request))
}

async fn carry_out(call: &Call<'_>, api: ApiCall) -> Result<Vec<u8>, TwirpError> {
    let reply = call.handle.api(api).await.map_err(|_| TwirpError::unavailable())??;
    encode(call.encoding, &reply)
}

fn encode(encoding: Encoding, reply: &ApiReply) -> Result<Vec<u8>, TwirpError> {
    match reply {
        ApiReply::Room(message) => encoding.encode(message.as_ref()),
        ApiReply::Rooms(message) => encoding.encode(message),
        ApiReply::Participants(message) => encoding.encode(message),
        ApiReply::Participant(message) => encoding.encode(message.as_ref()),
        ApiReply::TrackMuted(message) => encoding.encode(message.as_ref()),
        ApiReply::DeletedRoom(message) => encoding.encode(message),
        ApiReply::Removed(message) => encoding.encode(message),
        ApiReply::SubscriptionsUpdated(message) => encoding.encode(message),
        ApiReply::DataSent(message) => encoding.encode(message),
    }
}
