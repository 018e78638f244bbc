import { landingMessages } from "@heydok/client";
import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { useText } from "../../app/context";
import { useAnnounce } from "../../primitives/Announcer";
import { Button } from "../../primitives/Button";
import { useToast } from "../../primitives/Toasts";
import { copyText } from "./copy";

/** How long a button says that it has copied. */
const COPIED_MS = 2_500;

/** Copies a link, and says whether that was allowed. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const t = useText(landingMessages);
  const announce = useAnnounce();
  const toast = useToast();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    const done = await copyText(text);
    setCopied(done);
    if (done) announce(t("copied"));
    else toast({ text: t("copyFailed") });
  };
  return (
    <Button icon={copied ? Check : Copy} onClick={copy}>
      {label}
    </Button>
  );
}
