use db::testing::each_engine;
use db::{Conn, Error, sql};
use kit::UnixMillis;

async fn next(conn: &mut Conn) -> Result<i64, Error> {
    let seq = conn.one(sql("SELECT COALESCE(MAX(seq), 0) + 1 AS n FROM events")).await?.int("n")?;
    conn.execute(sql("INSERT INTO events (seq, type, data, at) VALUES ($1, 'test', '{}', 0)").bind(seq)).await?;
    Ok(seq)
}

/// Writers that read and then write never lose a number and never see each other half done.
#[tokio::test]
async fn concurrent_writers_get_consecutive_numbers() {
    each_engine(async |db| {
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let db = (**db).clone();
                tokio::spawn(async move { db::write!(&db, conn => next(conn).await) })
            })
            .collect();
        let mut numbers = Vec::new();
        for task in tasks {
            let number: Result<i64, Error> = task.await.unwrap();
            numbers.push(number.unwrap());
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=16).collect::<Vec<_>>());
    })
    .await;
}

#[derive(Debug)]
enum Refused {
    OnPurpose,
    #[expect(dead_code, reason = "shown when the test fails")]
    Database(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

async fn write_and_refuse(conn: &mut Conn) -> Result<(), Refused> {
    next(conn).await?;
    Err(Refused::OnPurpose)
}

/// An error of the caller's own rolls everything back and comes out as it is.
#[tokio::test]
async fn a_refused_transaction_leaves_nothing() {
    each_engine(async |db| {
        let result = db::write!(&**db, conn => write_and_refuse(conn).await);
        assert!(matches!(result, Err(Refused::OnPurpose)), "{result:?}");
        let count = db.read().await.unwrap().one(sql("SELECT COUNT(*) AS n FROM events")).await.unwrap();
        assert_eq!(count.int("n").unwrap(), 0);
    })
    .await;
}

/// NULL, 64-bit numbers, truth values and any text come back as they went in.
#[tokio::test]
async fn values_come_back_as_they_went_in() {
    each_engine(async |db| {
        let text = "grüße \u{1f44b} 'quoted' \"$1\" \\ \n";
        let insert = sql("INSERT INTO events (seq, type, meeting_id, data, at) VALUES ($1, $2, $3, $4, $5)")
            .bind(i64::MAX)
            .bind(text)
            .bind(None::<String>)
            .bind("{}")
            .bind(UnixMillis(i64::MIN));
        let insert = &insert;
        let result: Result<u64, Error> = db::write!(&**db, conn => conn.execute(insert.clone()).await);
        assert_eq!(result.unwrap(), 1);
        let row = db
            .read()
            .await
            .unwrap()
            .one(sql("SELECT seq, type, meeting_id, at, seq > 0 AS positive FROM events"))
            .await
            .unwrap();
        assert_eq!(row.int("seq").unwrap(), i64::MAX);
        assert_eq!(row.text("type").unwrap(), text);
        assert_eq!(row.text_opt("meeting_id").unwrap(), None);
        assert_eq!(row.at("at").unwrap(), UnixMillis(i64::MIN));
        assert!(matches!(row.int("absent"), Err(Error::Stored { column: "absent", .. })));
    })
    .await;
}
