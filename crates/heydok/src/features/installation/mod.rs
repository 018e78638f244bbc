//! What makes this store ours: fingerprints of the keys, the canary, the data keys.

mod rotate;
mod store;

pub use rotate::{renew_data, rewrap};

use db::Db;
use kit::{Entropy, Secret, UnixMillis};

use crate::config::{Keys, Refusal};
use crate::crypto::{Cipher, WrappingKey};
use crate::secrets::{DataDir, Secrets};

/// Purpose of the data keys that encrypt what people wrote.
const CONTENT: &str = "content";

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Unusable {
    /// The refusal itself, where it is one: its exit code differs.
    pub fn told(self) -> anyhow::Error {
        match self {
            Self::Refused(refusal) => refusal.into(),
            Self::Database(error) => error.into(),
        }
    }
}

/// Finds or makes the keys, and proves that they are those that the store was written with.
pub async fn open(
    db: &Db,
    configured: &Keys,
    folder: &DataDir,
    entropy: &dyn Entropy,
    now: UnixMillis,
) -> Result<(Secrets, Cipher), Unusable> {
    let stored = store::fingerprints(&mut db.read().await?).await?;
    let secrets = Secrets::resolve(configured, folder, &stored, entropy)?;
    let cipher = unlock(db, &secrets.encryption_key, entropy, now).await?;
    let fingerprints = &secrets.fingerprints();
    let result: Result<(), db::Error> = db::write!(db, conn => store::keep_fingerprints(conn, fingerprints, now).await);
    result?;
    Ok((secrets, cipher))
}

/// Opens the data keys with ENCRYPTION_KEY, and makes the first one.
pub async fn unlock(
    db: &Db,
    encryption_key: &Secret,
    entropy: &dyn Entropy,
    now: UnixMillis,
) -> Result<Cipher, Unusable> {
    let wrapping = &WrappingKey::new(encryption_key);
    let refused = || {
        Refusal::one(
            "R-8",
            "ENCRYPTION_KEY is not the one that the database was written with; set the old one, or restore secrets.toml from a backup",
        )
    };
    let canary = &wrapping.canary(entropy);
    let canary: Result<String, db::Error> = db::write!(db, conn => store::canary(conn, canary, now).await);
    if !wrapping.opens(&canary?) {
        return Err(refused().into());
    }
    let id = &kit::new_id(now, entropy);
    let first = &wrapping.new_data_key(id, entropy);
    let keys: Result<Vec<(String, String)>, db::Error> =
        db::write!(db, conn => store::data_keys(conn, CONTENT, id, first, now).await);
    Cipher::open(wrapping, &keys?).map_err(|_| refused().into())
}
