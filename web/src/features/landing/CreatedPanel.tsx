import { type CreatedMeeting, landingMessages } from "@heydok/client";
import { KeyRound, Share2, Video } from "lucide-react";
import { Fragment, lazy, Suspense, useEffect, useRef } from "react";
import { useText } from "../../app/context";
import { useFormat } from "../../app/format";
import { Button } from "../../primitives/Button";
import { Icon } from "../../primitives/Icon";
import { Skeleton } from "../../primitives/Skeleton";
import { CopyButton } from "./CopyButton";
import styles from "./CreatedPanel.module.css";

/** Not needed to read and copy the link, and it brings an encoder. */
const QrCode = lazy(() => import("./QrCode"));

/** The new meeting's link, in every way one might pass it on. */
export function CreatedPanel({ meeting, onJoin }: { meeting: CreatedMeeting; onJoin: () => void }) {
  const t = useText(landingMessages);
  const format = useFormat();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const [origin, path] = splitAt(meeting.url, meeting.code);
  return (
    <section className={styles.panel} aria-labelledby="created-heading">
      <header className={styles.header}>
        <h2 id="created-heading" ref={heading} tabIndex={-1} className={styles.title}>
          {t("createdTitle")}
        </h2>
        <p className="hint">{t("validUntil", { date: format.dateTime(meeting.expiresAt) })}</p>
      </header>
      <div className={styles.columns}>
        <div className={styles.main}>
          <p role="status" className={styles.link}>
            <span className="visually-hidden">{t("link")} </span>
            <span className={styles.origin}>
              {origin.split(/(?<=[^/]\/)(?=[^/])/u).map((part) => (
                <Fragment key={part}>
                  {part}
                  <wbr />
                </Fragment>
              ))}
            </span>
            <strong className={styles.code}>{path}</strong>
          </p>
        </div>
        <figure className={styles.qr}>
          <Suspense fallback={<Skeleton className={styles.qrPlace} />}>
            <QrCode text={meeting.url} label={t("qr")} />
          </Suspense>
          <figcaption>{t("qrHint")}</figcaption>
        </figure>
      </div>
      <div className={styles.actions}>
        <Button look="primary" icon={Video} onClick={onJoin}>
          {t("joinNow")}
        </Button>
        <CopyButton text={meeting.url} label={t("copy")} />
        <ShareButton url={meeting.url} />
      </div>
      <div className={styles.host}>
        <Icon of={KeyRound} />
        <div className={styles.hostText}>
          <p className={styles.hostTitle}>{t("hostLink")}</p>
          <p className="hint">{t("hostLinkHint")}</p>
        </div>
        <CopyButton text={meeting.hostUrl} label={t("copyHost")} />
      </div>
    </section>
  );
}

/** Puts the code, which people read aloud, apart from the address, which they do not. */
function splitAt(url: string, code: string): [string, string] {
  const at = url.lastIndexOf(code);
  return at < 0 ? ["", url] : [url.slice(0, at), url.slice(at)];
}

/** The system's share sheet, where there is one. */
function ShareButton({ url }: { url: string }) {
  const t = useText(landingMessages);
  if (typeof navigator.share !== "function") return null;
  // Closing the sheet without a choice rejects; there is nothing to tell then.
  const share = () => void navigator.share({ url }).catch(() => undefined);
  return (
    <Button icon={Share2} onClick={share}>
      {t("share")}
    </Button>
  );
}
