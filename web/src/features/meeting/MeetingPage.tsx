import {
  hostKeyFromFragment,
  type MeetingKeys,
  type MeetingStage,
  MeetingViewModel,
  preJoinMessages,
} from "@heydok/client";
import { lazy, Suspense, useEffect, useState } from "react";
import { useServices, useText } from "../../app/context";
import { navigate } from "../../app/router";
import { useBehavior } from "../../app/useBehavior";
import { useViewModel } from "../../app/useViewModel";
import { openTabChannel } from "../../browser/tabs";
import { Frame } from "../../frame/Frame";
import { Heading } from "../../frame/Heading";
import { Button } from "../../primitives/Button";
import { Spinner } from "../../primitives/Spinner";
import { LeftScreen } from "../left/LeftScreen";
import { PreJoin } from "../prejoin/PreJoin";
import { ProblemScreen } from "../problem/ProblemScreen";
import styles from "./Meeting.module.css";

const loadCall = () => import("../call/index");
const CallScreen = lazy(loadCall);

/** One address for one meeting: looking it up, pre-join, the call, and after it. */
export default function MeetingPage({ code }: { code: string }) {
  const { api, keys } = useServices();
  const model = useViewModel(() => {
    takeHostKey(keys, code);
    const meeting = new MeetingViewModel(api, keys, code, openTabChannel(code));
    void meeting.load();
    return meeting;
  });
  useEffect(() => {
    // The call's part comes while the person looks into the camera.
    const idle = window.requestIdleCallback ?? ((run: () => void) => setTimeout(run, 300));
    idle(() => void loadCall().catch(() => undefined));
  }, []);
  useEffect(() => {
    // The host link opened in the tab that already shows the meeting changes only the fragment.
    const changed = () => {
      if (takeHostKey(keys, code) && model?.stage.value.stage !== "call") void model?.load();
    };
    window.addEventListener("hashchange", changed);
    return () => window.removeEventListener("hashchange", changed);
  }, [keys, code, model]);
  useEffect(() => {
    if (!model) return;
    window.addEventListener("pagehide", model.hide);
    return () => window.removeEventListener("pagehide", model.hide);
  }, [model]);
  return model ? <Stage model={model} /> : <Loading />;
}

/** Keeps the host key of a host link and takes it out of the address bar, so that a copied address hands on no rights. */
function takeHostKey(keys: MeetingKeys, code: string): boolean {
  const hostKey = hostKeyFromFragment(location.hash);
  if (hostKey === null) return false;
  keys.keepHostKey(code, hostKey);
  navigate(location.pathname + location.search, { replace: true });
  return true;
}

function Stage({ model }: { model: MeetingViewModel }) {
  const current = useBehavior(model.stage);
  const hostKey = useBehavior(model.hostKey);
  switch (current.stage) {
    case "loading":
      return <Loading />;
    case "problem":
      return <ProblemScreen problem={current.problem} onRetry={model.load} />;
    case "preJoin":
      return <PreJoin meeting={current.meeting} host={hostKey !== null} door={model} />;
    case "call":
      return <Call model={model} stage={current} hostKey={hostKey} />;
    case "left":
      return <LeftScreen stage={current} onRejoin={model.rejoin} />;
  }
}

function Call({
  model,
  stage,
  hostKey,
}: {
  model: MeetingViewModel;
  hostKey: string | null;
  stage: Extract<MeetingStage, { stage: "call" }>;
}) {
  return (
    <Suspense fallback={<Loading />}>
      <CallScreen
        meeting={stage.meeting}
        join={stage.join}
        devices={stage.devices}
        hostKey={hostKey}
        onLeft={model.left}
      />
    </Suspense>
  );
}

/** When a spinner with words joins the quiet page, and when it is said that it takes long. */
const WORDS_AFTER_MS = 1_000;
const SLOW_AFTER_MS = 8_000;

function Loading() {
  const t = useText(preJoinMessages);
  const phase = usePhase();
  return (
    <Frame>
      <div className={styles.loading}>
        <Heading title={t("pageTitle")} className="visually-hidden" takesFocus={false}>
          {t("loading")}
        </Heading>
        <div role="status" className={styles.status}>
          {phase !== "quiet" && (
            <>
              <Spinner />
              <p>{phase === "slow" ? t("slow") : t("loading")}</p>
            </>
          )}
        </div>
        {phase === "slow" && <Button onClick={() => location.reload()}>{t("retry")}</Button>}
      </div>
    </Frame>
  );
}

function usePhase(): "quiet" | "words" | "slow" {
  const [phase, setPhase] = useState<"quiet" | "words" | "slow">("quiet");
  useEffect(() => {
    const words = setTimeout(() => setPhase("words"), WORDS_AFTER_MS);
    const slow = setTimeout(() => setPhase("slow"), SLOW_AFTER_MS);
    return () => {
      clearTimeout(words);
      clearTimeout(slow);
    };
  }, []);
  return phase;
}
