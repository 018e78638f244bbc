//! A certificate in files that somebody else keeps up to date: certbot, a cluster, a person.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kit::{SharedClock, UnixMillis};
use tokio_util::sync::CancellationToken;

use crate::certificates::Certificates;
use crate::pair::Pair;

/// How often the files are read. They are small, and reading them sees also what links beside them were turned to.
const PERIOD: Duration = Duration::from_secs(5);
/// Largest file that is read.
const BYTES_MAX: u64 = 1024 * 1024;

/// Two files, and what stood in them when they were last read.
#[derive(Debug)]
pub struct Files {
    chain: PathBuf,
    key: PathBuf,
    seen: Option<(Vec<u8>, Vec<u8>)>,
}

impl Files {
    /// The chain, the server's own certificate first, and its key; both PEM.
    pub fn new(chain: &Path, key: &Path) -> Self {
        Self { chain: chain.to_owned(), key: key.to_owned(), seen: None }
    }

    /// Reads both. `None`: nothing has changed since the last time.
    ///
    /// # Errors
    /// Why they cannot be used: one sentence with the fix.
    pub async fn look(&mut self, now: UnixMillis) -> Option<Result<Pair, String>> {
        let both = async { Ok((read(&self.chain).await?, read(&self.key).await?)) };
        let found = match both.await {
            Ok(found) => found,
            Err(sentence) => {
                self.seen = None;
                return Some(Err(sentence));
            }
        };
        if self.seen.as_ref() == Some(&found) {
            return None;
        }
        let pair = Pair::parse(&found.0, &found.1, now);
        // What cannot be used may become good by itself: some authorities' clocks are ahead of ours.
        self.seen = pair.is_ok().then_some(found);
        Some(pair.map_err(|why| format!("{} with {}: {why}", self.chain.display(), self.key.display())))
    }

    /// Shows what stands in the files, and goes on with the old certificate while that cannot be used. Until `stop`.
    pub async fn follow(mut self, certificates: Arc<Certificates>, clock: SharedClock, stop: CancellationToken) {
        let mut tick = tokio::time::interval(PERIOD);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            self.turn(&certificates, clock.now()).await;
        }
    }

    async fn turn(&mut self, certificates: &Certificates, now: UnixMillis) {
        match self.look(now).await {
            None => {}
            Some(Ok(pair)) => certificates.show(pair, now),
            Some(Err(sentence)) if certificates.keep_because(&sentence) => {
                tracing::error!("the new certificate cannot be used, the old one is kept: {sentence}");
            }
            // It has been said already.
            Some(Err(_)) => {}
        }
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, String> {
    let sentence = |why: &dyn std::fmt::Display| {
        format!("{} cannot be read ({why}); name a file that the user of this process may read", path.display())
    };
    let found = tokio::fs::metadata(path).await.map_err(|error| sentence(&error))?;
    if !found.is_file() || found.len() > BYTES_MAX {
        return Err(sentence(&"it is no file of PEM"));
    }
    tokio::fs::read(path).await.map_err(|error| sentence(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::Source;
    use crate::tests::{Made, NOW, made, made_for};

    fn write(folder: &Path, made: &Made) {
        std::fs::write(folder.join("cert.pem"), &made.chain).unwrap();
        std::fs::write(folder.join("key.pem"), &made.key).unwrap();
    }

    fn names(certificates: &Certificates) -> Vec<String> {
        certificates.status().facts.map(|facts| facts.names).unwrap_or_default()
    }

    /// A new pair is shown; what is broken or only half written leaves the old one and is told once, until it is whole.
    #[tokio::test]
    async fn new_files_are_shown_and_broken_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let certificates = Certificates::new(Source::Files);
        let mut files = Files::new(&folder.join("cert.pem"), &folder.join("key.pem"));
        files.turn(&certificates, NOW).await;
        assert!(certificates.status().trouble.is_some_and(|why| why.contains("cert.pem cannot be read")));
        write(folder, &made(&["first.test"]));
        files.turn(&certificates, NOW).await;
        assert_eq!((names(&certificates), certificates.status().trouble), (vec!["first.test".to_owned()], None));
        assert!(files.look(NOW).await.is_none(), "nothing has changed");

        let second = made(&["second.test"]);
        std::fs::write(folder.join("cert.pem"), &second.chain).unwrap();
        files.turn(&certificates, NOW).await;
        assert_eq!(names(&certificates), ["first.test"]);
        let trouble = certificates.status().trouble.unwrap();
        assert!(trouble.contains("do not belong together"), "{trouble}");
        assert!(!certificates.keep_because(&trouble), "it was told");
        std::fs::write(folder.join("key.pem"), &second.key).unwrap();
        files.turn(&certificates, NOW).await;
        assert_eq!((names(&certificates), certificates.status().trouble), (vec!["second.test".to_owned()], None));

        let day = Duration::from_secs(86_400);
        write(folder, &made_for(&["third.test"], NOW.plus(day), NOW.plus(day * 2)));
        files.turn(&certificates, NOW).await;
        assert!(certificates.status().trouble.is_some_and(|why| why.contains("good from")));
        files.turn(&certificates, NOW.plus(day)).await;
        assert_eq!((names(&certificates), certificates.status().trouble), (vec!["third.test".to_owned()], None));
        files.turn(&certificates, NOW).await;
        assert_eq!(names(&certificates), ["third.test"], "nothing has changed");

        std::fs::remove_file(folder.join("key.pem")).unwrap();
        files.turn(&certificates, NOW).await;
        assert!(certificates.status().trouble.is_some());
        write(folder, &second);
        files.turn(&certificates, NOW).await;
        assert_eq!(certificates.status().trouble, None, "the same files again are as good as before");
    }
}
