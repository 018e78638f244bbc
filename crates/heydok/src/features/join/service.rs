//! Joining from end to end: load, decide, save, sign.

use db::Conn;
use kit::{Secret, UnixMillis};
use signal::token::{Claims, VideoGrant, sign};

use super::rules::{Applicant, Decision, Door, Password, Refusal, Role, Wait, admit, token_expiry};
use super::store::{self, NewParticipant, Session};
use crate::app::App;
use crate::features::meetings::{self, Meeting};

/// Least remaining life of a token that is given again instead of a new one.
const REUSE_MS_MIN: i64 = 10 * 60 * 1000;

/// What somebody brings to the door.
#[derive(Debug, Clone, Default)]
pub struct Application {
    pub display_name: String,
    pub password: Option<String>,
    pub host_key: Option<String>,
    pub rejoin_token: Option<String>,
}

/// What somebody gets who was let in.
#[derive(Debug)]
pub struct Admitted {
    pub meeting: Meeting,
    pub session: Session,
    pub rejoin_token: Secret,
    pub token: String,
}

/// Why nobody was let in.
#[derive(Debug)]
pub enum Outcome {
    Refused(Refusal),
    Waiting(Wait),
    HostKeyInvalid,
    NoIdentity,
    Database(db::Error),
}

impl From<db::Error> for Outcome {
    fn from(error: db::Error) -> Self {
        Self::Database(error)
    }
}

/// Decides and stores in one transaction; signs after it.
pub async fn join(app: &App, given: &str, application: &Application) -> Result<Admitted, Outcome> {
    let (meeting, session, rejoin_token) = db::write!(app.db(), conn => enter(app, conn, given, application).await)?;
    let token = room_token(app, &meeting, &session);
    Ok(Admitted { meeting, session, rejoin_token, token })
}

async fn enter(
    app: &App,
    conn: &mut Conn,
    given: &str,
    application: &Application,
) -> Result<(Meeting, Session, Secret), Outcome> {
    let now = app.now();
    let meeting = meetings::store::find(conn, given).await?.ok_or(Outcome::Refused(Refusal::NotFound))?;
    let known = match &application.rejoin_token {
        Some(token) => store::by_rejoin(conn, &meeting.id, &kit::token_digest(token)).await?,
        None => None,
    };
    let role = role_of(&meeting, application, known.as_ref())?;
    let identity = known.as_ref().map_or("", |session| session.participant_id.as_str());
    let door = Door {
        standing: meeting.standing(now),
        locked: meeting.locked,
        seats: meeting.max_participants,
        taken: store::seats_taken(conn, &meeting.id, identity, now).await?,
        waiting_room: false,
    };
    let applicant = Applicant {
        role,
        password: Password::Satisfied,
        removed: known.as_ref().is_some_and(|session| session.removed),
        returning: known.is_some(),
    };
    match admit(door, applicant) {
        Decision::Refuse(refusal) => return Err(Outcome::Refused(refusal)),
        Decision::Wait(reason) => return Err(Outcome::Waiting(reason)),
        Decision::Admit => {}
    }
    match (known, &application.rejoin_token) {
        (Some(session), Some(token)) => {
            let session = readmit(app, conn, &meeting, session, role, application, now).await?;
            Ok((meeting, session, Secret::new(token.clone())))
        }
        _ => {
            let (session, rejoin) = admit_new(app, conn, &meeting, role, application, now).await?;
            Ok((meeting, session, rejoin))
        }
    }
}

fn role_of(meeting: &Meeting, application: &Application, known: Option<&Session>) -> Result<Role, Outcome> {
    match &application.host_key {
        Some(key) => match &meeting.host_key {
            Some(digest) if kit::equal_in_constant_time(digest, &kit::token_digest(key)) => Ok(Role::Host),
            _ => Err(Outcome::HostKeyInvalid),
        },
        None => Ok(known.map_or(Role::Guest, |session| session.role)),
    }
}

/// The same person with the same token, unless the name, the role or too little remaining life asks for a new one.
async fn readmit(
    app: &App,
    conn: &mut Conn,
    meeting: &Meeting,
    known: Session,
    role: Role,
    application: &Application,
    now: UnixMillis,
) -> Result<Session, Outcome> {
    let fresh = known.token_expires_at.get() - now.get() >= REUSE_MS_MIN;
    if fresh && known.name == application.display_name && known.role == role {
        return Ok(known);
    }
    let session = Session {
        role,
        name: application.display_name.clone(),
        token_issued_at: now,
        token_expires_at: token_expiry(now, app.settings().token_ttl, meeting.expires_at),
        ..known
    };
    store::renew(conn, &session, now).await?;
    Ok(session)
}

async fn admit_new(
    app: &App,
    conn: &mut Conn,
    meeting: &Meeting,
    role: Role,
    application: &Application,
    now: UnixMillis,
) -> Result<(Session, Secret), Outcome> {
    let participant_id = store::new_identity(conn, &meeting.id, &**app.entropy()).await?.ok_or(Outcome::NoIdentity)?;
    let session = Session {
        id: app.new_id(),
        participant_row: app.new_id(),
        participant_id,
        jti: app.new_id(),
        role,
        name: application.display_name.clone(),
        token_issued_at: now,
        token_expires_at: token_expiry(now, app.settings().token_ttl, meeting.expires_at),
        removed: false,
    };
    let participant = NewParticipant {
        row_id: &session.participant_row,
        meeting_id: &meeting.id,
        instance_id: meeting.instance_id.as_deref(),
        participant_id: &session.participant_id,
        role,
        name: &session.name,
    };
    store::insert_participant(conn, &participant, now).await?;
    let rejoin = kit::new_token(&**app.entropy());
    store::insert_session(conn, &meeting.id, &session, &kit::token_digest(rejoin.expose()), now).await?;
    Ok((session, rejoin))
}

/// The room token (C-13). The same session gives the same bytes: that is the token cache.
pub fn room_token(app: &App, meeting: &Meeting, session: &Session) -> String {
    let seconds = |at: UnixMillis| u64::try_from(at.as_seconds()).unwrap_or(0);
    let publishes = session.role != Role::Viewer;
    let claims = Claims {
        iss: app.settings().livekit_api_key.clone(),
        sub: session.participant_id.clone(),
        jti: session.jti.clone(),
        nbf: Some(seconds(session.token_issued_at)),
        exp: Some(seconds(session.token_expires_at)),
        name: session.name.clone(),
        video: Some(VideoGrant {
            room_join: true,
            room: meeting.room_name.clone(),
            can_publish: Some(publishes),
            can_subscribe: Some(true),
            can_publish_data: Some(true),
            can_publish_sources: ["camera", "microphone", "screen_share", "screen_share_audio"]
                .map(str::to_owned)
                .to_vec(),
            can_update_own_metadata: Some(true),
            ..VideoGrant::default()
        }),
        ..Claims::default()
    };
    sign(&claims, app.settings().livekit_api_secret.expose())
}
