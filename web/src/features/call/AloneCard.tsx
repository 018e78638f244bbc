import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { useAnnounce } from "../../primitives/Announcer";
import { Button } from "../../primitives/Button";
import { useCall, useCallText } from "./context";
import styles from "./StageArea.module.css";

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
  const copy = async () => {
    await navigator.clipboard.writeText(meeting.url).catch(() => undefined);
    setCopied(true);
    announce(t("linkCopied"));
  };
  return (
    <div className={styles.alone}>
      <p>{t("alone")}</p>
      <Button icon={copied ? Check : Copy} onClick={copy}>
        {copied ? t("linkCopied") : t("copyLink")}
      </Button>
      <p className={`${styles.link} mono`}>{meeting.url.replace(/^https?:\/\//u, "")}</p>
    </div>
  );
}
