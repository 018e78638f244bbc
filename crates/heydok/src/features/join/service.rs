//! Joining from end to end: load, decide, save, sign.

use db::Conn;
use kit::{Secret, UnixMillis};
use serde_json::json;
use signal::token::{Claims, VideoGrant, sign};

use super::rules::{Applicant, Decision, Door, Password, Refusal, Role, Wait, admit, token_expiry};
use super::store::{self, NewParticipant, Session, SessionState};
use crate::app::App;
use crate::features::meetings::{self, Meeting, Standing};
use crate::features::record::{Actor, Audit, Event, Moment, Origin, append_audit, append_event, append_timeline};
use crate::http::auth;

/// Least remaining life of a token that is given again instead of a new one.
const REUSE_MS_MIN: i64 = 10 * 60 * 1000;

/// What somebody brings to the door.
#[derive(Debug, Clone, Default)]
pub struct Application {
    pub display_name: String,
    pub password: Option<String>,
    pub host_key: Option<String>,
    pub rejoin_token: Option<String>,
    /// Only who proves to know the meeting, by its host key or by a rejoin token, may learn anything of it.
    pub must_prove: bool,
    /// `heydok dev` on loopback.
    pub local_owner: bool,
    pub origin: Origin,
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
    /// Nothing was proved, and that was asked for. The same whether there is such a meeting or not.
    Unproven,
    HostKeyInvalid,
    NoIdentity,
    /// There is no LiveKit key to sign with.
    NoKey,
    Database(db::Error),
}

impl From<db::Error> for Outcome {
    fn from(error: db::Error) -> Self {
        Self::Database(error)
    }
}

/// Decides and stores in one transaction; signs after it.
pub async fn join(app: &App, given: &str, application: &Application) -> Result<Admitted, Outcome> {
    if app.secrets.livekit_api_key.is_empty() {
        return Err(Outcome::NoKey);
    }
    let (meeting, session, rejoin_token) = db::write!(&app.db, conn => enter(app, conn, given, application).await)?;
    app.wake.now();
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
    let found = meetings::store::find(conn, given).await?.filter(|found| found.standing(now) != Standing::Absent);
    let Some(meeting) = found else {
        return Err(if application.must_prove { Outcome::Unproven } else { Outcome::Refused(Refusal::NotFound) });
    };
    crate::http::context::concerns(&meeting.code);
    let known = match &application.rejoin_token {
        Some(token) => store::by_rejoin(conn, &meeting.id, &kit::token_digest(token)).await?,
        None => None,
    };
    let is_host = application.host_key.as_deref().is_some_and(|key| auth::is_host(&meeting, key));
    if application.must_prove && known.is_none() && !is_host {
        return Err(Outcome::Unproven);
    }
    let role = role_of(is_host, application, known.as_ref())?;
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
        password: password(app, &meeting, application),
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

fn role_of(is_host: bool, application: &Application, known: Option<&Session>) -> Result<Role, Outcome> {
    match &application.host_key {
        Some(_) if is_host => Ok(Role::Host),
        Some(_) => Err(Outcome::HostKeyInvalid),
        None if application.local_owner => Ok(Role::Host),
        None => Ok(known.map_or(Role::Guest, |session| session.role)),
    }
}

fn password(app: &App, meeting: &Meeting, application: &Application) -> Password {
    let Some(encrypted) = &meeting.password else { return Password::Satisfied };
    let Some(given) = application.password.as_deref().filter(|given| !given.is_empty()) else {
        return Password::Missing;
    };
    match app.cipher.decrypt(meetings::service::password_place(&meeting.id), encrypted) {
        Ok(password) if kit::equal_in_constant_time(&password, given) => Password::Satisfied,
        _ => Password::Wrong,
    }
}

/// Frees the seat of somebody who was admitted and cannot be let in after all.
pub async fn turn_back(app: &App, session: &Session) -> Result<(), db::Error> {
    db::write!(&app.db, conn => store::turn_back(conn, &session.id).await)
}

/// The same person with the same token, unless the name, the role or too little remaining life asks for a new one. Their seat
/// is kept while they are on the way.
async fn readmit(
    app: &App,
    conn: &mut Conn,
    meeting: &Meeting,
    known: Session,
    role: Role,
    application: &Application,
    now: UnixMillis,
) -> Result<Session, Outcome> {
    store::set_out(conn, &known.id, now).await?;
    let fresh = known.token_expires_at.get() - now.get() >= REUSE_MS_MIN;
    if fresh && known.name == application.display_name && known.role == role {
        return Ok(known);
    }
    let known_role = known.role;
    let session = Session {
        role,
        name: application.display_name.clone(),
        token_issued_at: now,
        token_expires_at: token_expiry(now, app.settings.meetings.token_ttl, meeting.expires_at),
        ..known
    };
    store::renew(conn, &session, now).await?;
    if known_role != role {
        let audit = Audit {
            action: "role.changed",
            actor: if role == Role::Host { Actor::Host } else { Actor::Anonymous },
            origin: &application.origin,
            target_kind: "participant",
            target_id: &session.participant_id,
            detail: json!({ "meeting_id": meeting.id, "old": known_role.as_str(), "new": role.as_str() }),
        };
        append_audit(conn, &audit, now).await?;
    }
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
    let participant_id = store::new_identity(conn, &meeting.id, &*app.entropy).await?.ok_or(Outcome::NoIdentity)?;
    let session = Session {
        id: app.new_id(),
        participant_row: app.new_id(),
        participant_id,
        jti: app.new_id(),
        role,
        state: SessionState::Admitted,
        sid: None,
        name: application.display_name.clone(),
        token_issued_at: now,
        token_expires_at: token_expiry(now, app.settings.meetings.token_ttl, meeting.expires_at),
        connected_at: None,
        updated_at: now,
        removed: false,
    };
    let participant = NewParticipant {
        row_id: &session.participant_row,
        meeting_id: &meeting.id,
        instance_id: meeting.instance_id.as_deref(),
        participant_id: &session.participant_id,
        kind: "guest",
        role,
        name: &session.name,
    };
    store::insert_participant(conn, &participant, now).await?;
    let rejoin = kit::new_token(&*app.entropy);
    store::insert_session(conn, &meeting.id, &session, &kit::token_digest(rejoin.expose()), now).await?;
    record(app, conn, meeting, &session, application, now).await?;
    Ok((session, rejoin))
}

async fn record(
    app: &App,
    conn: &mut Conn,
    meeting: &Meeting,
    session: &Session,
    application: &Application,
    now: UnixMillis,
) -> Result<(), db::Error> {
    let participant = session.participant_id.as_str();
    let actor = if session.role == Role::Host { Actor::Host } else { Actor::Anonymous };
    let detail = json!({ "meeting_id": meeting.id, "role": session.role.as_str() });
    let audit = Audit {
        action: "join.admitted",
        actor,
        origin: &application.origin,
        target_kind: "participant",
        target_id: participant,
        detail,
    };
    append_audit(conn, &audit, now).await?;
    let instance_id = meeting.instance_id.as_deref();
    let data = json!({ "meeting_id": meeting.public_id(), "id": meeting.id, "participant_id": participant, "role": session.role.as_str() });
    append_event(conn, &Event { r#type: "participant.admitted", meeting_id: &meeting.id, instance_id, data }, now)
        .await?;
    let moment = Moment {
        id: &app.new_id(),
        kind: "admitted",
        meeting_id: &meeting.id,
        instance_id,
        participant_id: Some(participant),
        detail: json!({}),
    };
    append_timeline(conn, &moment, now).await
}

/// The room token (C-13). The same session gives the same bytes: that is the token cache.
pub fn room_token(app: &App, meeting: &Meeting, session: &Session) -> String {
    let seconds = |at: UnixMillis| u64::try_from(at.as_seconds()).unwrap_or(0);
    let publishes = session.role != Role::Viewer;
    let claims = Claims {
        iss: app.secrets.livekit_api_key.clone(),
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
    sign(&claims, app.secrets.livekit_api_secret.expose())
}

/// Writes down that a password was wrong: the refused transaction left nothing behind.
pub async fn record_wrong_password(app: &App, given: &str, origin: &Origin) -> Result<(), db::Error> {
    let now = app.now();
    let Some(meeting) = meetings::store::find(&mut app.db.read().await?, given).await? else { return Ok(()) };
    let audit = &Audit {
        action: "join.password_failed",
        actor: Actor::Anonymous,
        origin,
        target_kind: "meeting",
        target_id: &meeting.id,
        detail: json!({}),
    };
    db::write!(&app.db, conn => append_audit(conn, audit, now).await)
}
