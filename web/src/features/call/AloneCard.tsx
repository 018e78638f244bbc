import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { useAnnounce } from "../../primitives/Announcer";
import { Button } from "../../primitives/Button";
import styles from "./AloneCard.module.css";
import { useCall, useCallText } from "./context";

/** Shown while nobody else is here: the one thing to do is to share the link. */
export function AloneCard({ connecting }: { connecting: boolean }) {
  const { meeting } = useCall();
  const t = useCallText();
  const announce = useAnnounce();
  const [copied, setCopied] = useState(false);
  if (connecting) {
    return (
      <p className={styles.alone} role="status">
        {t("connecting")}
      </p>
    );
  }
  const [host, ...path] = meeting.url.replace(/^https?:\/\//u, "").split("/");
  const copy = async () => {
    await navigator.clipboard.writeText(meeting.url).catch(() => undefined);
    setCopied(true);
    announce(t("linkCopied"));
  };
  return (
    <div className={styles.alone}>
      <p>{t("alone")}</p>
      <p className={`${styles.link} mono`}>
        {host}/<wbr />
        {path.slice(0, -1).join("/")}/<wbr />
        <span className={styles.code}>{path.at(-1)}</span>
      </p>
      <Button icon={copied ? Check : Copy} onClick={copy}>
        {copied ? t("linkCopied") : t("copyLink")}
      </Button>
    </div>
  );
}
