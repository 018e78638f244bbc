//! What can be looked at without a server: the data folder, the database, the clock.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use kit::{Clock, UnixMillis};

use super::check::{Check, Id, text};
use crate::config::Settings;

/// Below this much free space, and below this, the disk is a matter of time.
const FREE_WARNING: u64 = 1 << 30;
const FREE_FAILED: u64 = 64 << 20;
/// What is written to see that writing works.
const PROBE_BYTES: usize = 64 * 1024;
const PROBE_FILE: &str = "heydok-doctor.tmp";
/// Long before this was written (2025-01-01): no clock that is right says an earlier time.
const WRITTEN: UnixMillis = UnixMillis(1_735_689_600_000);
/// The wall clock may be set this far in the time of one run.
const JUMP_MAX: Duration = Duration::from_secs(2);
/// Two machines' clocks may differ by this much, and by this much before tokens are refused.
const DIFFERENCE_WARNING: Duration = Duration::from_secs(20);
const DIFFERENCE_FAILED: Duration = Duration::from_secs(60);

/// Writes a file into DATA_DIR, takes it away again, and looks at the free space. A folder that does not exist yet is looked at
/// where it will be made.
pub(super) fn disk(data_dir: &Path) -> Check {
    let folder = data_dir.ancestors().find(|folder| folder.exists()).unwrap_or_else(|| Path::new("."));
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let (shown, wanted) = (folder.display(), data_dir.display());
    if let Err(error) = write(folder) {
        return Check::failed(
            Id::Disk,
            match error.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => text!(
                    "The disk of {shown} is full: make room, or set DATA_DIR to a folder on another disk.",
                    "Der Datenträger von {shown} ist voll: Schaffen Sie Platz, oder setzen Sie DATA_DIR auf einen Ordner auf einem anderen."
                ),
                ErrorKind::ReadOnlyFilesystem => text!(
                    "The disk of {shown} is read-only: mount it for writing, or set DATA_DIR to another folder.",
                    "Der Datenträger von {shown} ist schreibgeschützt: Binden Sie ihn zum Schreiben ein, oder setzen Sie DATA_DIR auf einen anderen Ordner."
                ),
                _ => text!(
                    "DATA_DIR {wanted} cannot be written ({error}): change its owner, or choose another folder.",
                    "DATA_DIR {wanted} lässt sich nicht beschreiben ({error}): Ändern Sie den Besitzer, oder wählen Sie einen anderen Ordner."
                ),
            },
        );
    }
    match rustix::fs::statvfs(folder) {
        Ok(space) => free(space.f_bavail.saturating_mul(space.f_frsize)),
        // Writing worked, and that is what counts.
        Err(_) => Check::passed(Id::Disk, text!("{shown} can be written.", "{shown} lässt sich beschreiben.")),
    }
}

fn free(bytes: u64) -> Check {
    let free = bytes >> 20;
    match bytes {
        0..FREE_FAILED => Check::failed(
            Id::Disk,
            text!(
                "Only {free} MiB are free in DATA_DIR: make room, or heydok stops within days.",
                "In DATA_DIR sind nur {free} MiB frei: Schaffen Sie Platz, sonst steht heydok in wenigen Tagen."
            ),
        ),
        FREE_FAILED..FREE_WARNING => Check::warning(
            Id::Disk,
            text!(
                "{free} MiB are free in DATA_DIR; make room before it is less.",
                "In DATA_DIR sind {free} MiB frei; schaffen Sie Platz, bevor es weniger wird."
            ),
        ),
        _ => Check::passed(
            Id::Disk,
            text!(
                "DATA_DIR can be written, {free} MiB are free.",
                "DATA_DIR lässt sich beschreiben, {free} MiB sind frei."
            ),
        ),
    }
}

fn write(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(PROBE_FILE);
    // One of a run that was cut off, or a link that somebody put there: what that leads to stays as it is.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .and_then(|mut file| file.write_all(&[0x55; PROBE_BYTES]).and_then(|()| file.sync_all()));
    let removed = std::fs::remove_file(&path);
    written.and(removed)
}

/// Opens the database as it is, compares its schema with this program's, reads it through and writes without keeping.
pub(super) async fn database(settings: &Settings) -> Check {
    let url = settings.database.url.expose();
    let file = url.strip_prefix("sqlite://").map(|path| path.split('?').next().unwrap_or(path));
    if url.contains(":memory:") {
        return Check::warning(
            Id::Database,
            text!(
                "DATABASE_URL is in memory: everything is forgotten when heydok ends; unset it to keep meetings.",
                "DATABASE_URL liegt im Speicher: Mit dem Ende von heydok ist alles vergessen; entfernen Sie die Angabe, um Meetings zu behalten."
            ),
        );
    }
    if file.is_some_and(|file| !Path::new(file).exists()) {
        return Check::passed(
            Id::Database,
            text!("There is none yet; the first start makes it.", "Es gibt noch keine; der erste Start legt sie an."),
        );
    }
    let options = db::Options { url: url.to_owned(), connections_max: 1 };
    let version = async {
        let db = db::Db::connect(&options).await?;
        let version = db.examine().await;
        db.close().await;
        version
    };
    judge_database(version.await)
}

fn judge_database(version: Result<Option<i64>, db::Error>) -> Check {
    let own = db::SCHEMA_VERSION;
    match version {
        Ok(Some(version)) if version == own => Check::passed(
            Id::Database,
            text!("It answers, is whole and can be written.", "Sie antwortet, ist heil und lässt sich beschreiben."),
        ),
        Ok(Some(version)) if version > own => Check::failed(
            Id::Database,
            text!(
                "Its schema {version} is newer than this program's {own}: install the newest heydok, or restore the backup made before.",
                "Ihr Schema {version} ist neuer als das dieses Programms ({own}): Installieren Sie das neueste heydok, oder stellen Sie die Sicherung von davor wieder her."
            ),
        ),
        Ok(_) => Check::warning(
            Id::Database,
            text!(
                "Its schema is older than this program's: restart heydok, or run `heydok migrate`.",
                "Ihr Schema ist älter als das dieses Programms: Starten Sie heydok neu, oder rufen Sie `heydok migrate` auf."
            ),
        ),
        Err(error) => Check::failed(
            Id::Database,
            match error.damage() {
                Some(what) => text!(
                    "It is damaged ({what}): stop heydok and restore the last backup.",
                    "Sie ist beschädigt ({what}): Halten Sie heydok an, und stellen Sie die letzte Sicherung wieder her."
                ),
                None => text!(
                    "It cannot be used ({error}): check DATABASE_URL, that the database runs, and who owns its files.",
                    "Sie lässt sich nicht benutzen ({error}): Prüfen Sie DATABASE_URL, ob die Datenbank läuft und wem ihre Dateien gehören."
                ),
            },
        ),
    }
}

/// Both of this machine's clocks at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    wall: UnixMillis,
    steady: Instant,
}

impl Moment {
    pub(super) fn now(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), steady: clock.instant() }
    }
}

/// Whether the clock says a time that can be, was not set meanwhile, and agrees with the server's (`remote`, at `end`).
pub(super) fn clock(begin: Moment, end: Moment, remote: Option<UnixMillis>) -> Check {
    if end.wall < WRITTEN {
        let said = end.wall;
        return Check::failed(
            Id::Clock,
            text!(
                "This machine's clock says {said}, which is long past: set it, and switch on time synchronisation (timedatectl set-ntp true).",
                "Die Uhr dieses Rechners sagt {said}, das ist lange her: Stellen Sie sie, und schalten Sie die Zeitsynchronisation ein (timedatectl set-ntp true)."
            ),
        );
    }
    if let Some(check) = remote.and_then(|remote| differs(end.wall, remote)) {
        return check;
    }
    let passed = end.steady.saturating_duration_since(begin.steady);
    let jumped = distance(end.wall, begin.wall.plus(passed));
    if jumped > JUMP_MAX {
        let seconds = jumped.as_secs();
        return Check::warning(
            Id::Clock,
            text!(
                "This machine's clock was set by {seconds} s while this ran: let one service alone keep the time (timedatectl).",
                "Die Uhr dieses Rechners wurde währenddessen um {seconds} s verstellt: Lassen Sie nur einen Dienst die Zeit halten (timedatectl)."
            ),
        );
    }
    Check::passed(Id::Clock, text!("The clock runs evenly.", "Die Uhr geht gleichmäßig."))
}

fn differs(own: UnixMillis, remote: UnixMillis) -> Option<Check> {
    let difference = distance(own, remote);
    let seconds = difference.as_secs();
    let sentence = text!(
        "The clocks of this machine and of the server differ by {seconds} s: switch on time synchronisation on both (timedatectl set-ntp true), or tokens are refused.",
        "Die Uhren dieses Rechners und des Servers gehen um {seconds} s auseinander: Schalten Sie auf beiden die Zeitsynchronisation ein (timedatectl set-ntp true), sonst werden Tokens abgelehnt."
    );
    match difference {
        _ if difference > DIFFERENCE_FAILED => Some(Check::failed(Id::Clock, sentence)),
        _ if difference > DIFFERENCE_WARNING => Some(Check::warning(Id::Clock, sentence)),
        _ => None,
    }
}

fn distance(left: UnixMillis, right: UnixMillis) -> Duration {
    left.since(right).max(right.since(left))
}

#[cfg(test)]
mod tests {
    use kit::MockClock;

    use super::super::check::State;
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_225_146_007);

    /// A clock of the past, one that is set meanwhile, and one that disagrees with the server's are told apart.
    #[test]
    fn a_clock_that_is_wrong_is_named() {
        let check = |begin: UnixMillis, end: UnixMillis, remote: Option<UnixMillis>, part: &str| {
            let steady = MockClock::at(NOW);
            let first = Moment { wall: begin, steady: steady.instant() };
            steady.advance(Duration::from_secs(5));
            let last = Moment { wall: end, steady: steady.instant() };
            let check = clock(first, last, remote);
            assert!(check.text.en.contains(part), "{part}: {check:?}");
            check.state
        };
        let later = |seconds| NOW.plus(Duration::from_secs(seconds));
        assert_eq!(check(NOW, later(5), None, "evenly"), State::Passed);
        assert_eq!(check(NOW, later(5), Some(later(10)), "evenly"), State::Passed);
        assert_eq!(check(NOW, later(5), Some(later(40)), "by 35 s"), State::Warning);
        assert_eq!(check(NOW, later(5), Some(NOW.minus(Duration::from_secs(90))), "by 95 s"), State::Failed);
        assert_eq!(check(NOW, later(65), None, "was set by 60 s"), State::Warning);
        assert_eq!(check(NOW, NOW.minus(Duration::from_secs(55)), None, "was set by 60 s"), State::Warning);
        assert_eq!(check(UnixMillis(0), UnixMillis(5_000), None, "1970-01-01"), State::Failed);
    }

    /// What stands in the way of the probe is no reason to fail, and what a link leads to is not written.
    #[test]
    fn the_probe_follows_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let (other, probe) = (folder.path().join("other"), folder.path().join(PROBE_FILE));
        std::fs::write(&other, "other").unwrap();
        std::os::unix::fs::symlink(&other, &probe).unwrap();
        write(folder.path()).unwrap();
        std::fs::write(&probe, "cut off").unwrap();
        write(folder.path()).unwrap();
        assert_eq!(std::fs::read(&other).unwrap(), b"other");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left");
    }

    #[test]
    fn little_space_is_told_before_there_is_none() {
        for (bytes, state) in
            [(FREE_FAILED - 1, State::Failed), (FREE_FAILED, State::Warning), (FREE_WARNING, State::Passed)]
        {
            assert_eq!(free(bytes).state, state, "{bytes}");
        }
    }

    #[test]
    fn a_schema_that_does_not_fit_is_named() {
        let own = db::SCHEMA_VERSION;
        for (version, state, part) in [
            (Ok(Some(own)), State::Passed, "whole"),
            (Ok(Some(own + 1)), State::Failed, "newer"),
            (Ok(Some(own - 1)), State::Warning, "heydok migrate"),
            (Ok(None), State::Warning, "heydok migrate"),
            (Err(db::Error::Corrupt("row 3 missing".to_owned())), State::Failed, "row 3 missing"),
            (Err(db::Error::Url), State::Failed, "DATABASE_URL"),
        ] {
            let check = judge_database(version);
            assert!(check.state == state && check.text.en.contains(part), "{part}: {check:?}");
        }
    }
}
