import { type LandingViewModel, landingMessages, needsSupport, problemMessages } from "@heydok/client";
import { Plus } from "lucide-react";
import { useEffect } from "react";
import { useText } from "../../app/context";
import { useFormat } from "../../app/format";
import { useBehavior } from "../../app/useBehavior";
import { useOffers } from "../../app/useOffers";
import { networkOnline } from "../../browser/network";
import { Frame } from "../../frame/Frame";
import { Heading } from "../../frame/Heading";
import { useAnnounce } from "../../primitives/Announcer";
import { Button } from "../../primitives/Button";
import { Notice } from "../../primitives/Notice";
import { problemText, useCountdown } from "../problem/problemText";
import { SupportLink } from "../problem/SupportLink";
import { CreatedPanel } from "./CreatedPanel";
import { copyText } from "./copy";
import { JoinForm } from "./JoinForm";
import styles from "./Landing.module.css";
import { QuietRoom } from "./QuietRoom";
import { useLanding } from "./useLanding";

export function Landing() {
  const t = useText(landingMessages);
  useEffect(() => {
    // What comes next, while the person types or copies.
    const idle = window.requestIdleCallback ?? ((run: () => void) => setTimeout(run, 300));
    idle(() => void import("../meeting/MeetingPage").catch(() => undefined));
  }, []);
  const landing = useLanding();
  return (
    <Frame>
      <div className={styles.landing}>
        <div className={styles.words}>
          <div className={styles.intro}>
            <Heading title={t("pageTitle")} className={styles.heading} takesFocus={false}>
              {t("heading")}
            </Heading>
            <p className="lead">{t("lead")}</p>
          </div>
          {landing && <Ways landing={landing} />}
        </div>
        <QuietRoom />
      </div>
    </Frame>
  );
}

function Ways({ landing }: { landing: LandingViewModel }) {
  const t = useText(landingMessages);
  const creation = useBehavior(landing.creation);
  const { creation: offered, linkSeconds } = useOffers();
  const format = useFormat();
  const announce = useAnnounce();
  const create = async () => {
    const meeting = await landing.create();
    if (!meeting) return;
    const copied = await copyText(meeting.url);
    announce(t(copied ? "createdCopied" : "created", { code: meeting.code }));
  };
  if (creation.status === "created") {
    return <CreatedPanel meeting={creation.meeting} onJoin={landing.joinCreated} />;
  }
  return (
    // Until it is known what is offered here, the ways have their place and are not to be seen: nothing jumps.
    <div className={styles.ways} data-waiting={offered === null || undefined}>
      {offered !== false && (
        <section className={styles.way} aria-labelledby="start-heading">
          <h2 id="start-heading" className="visually-hidden">
            {t("createHeading")}
          </h2>
          <CreateButton busy={creation.status === "creating"} onCreate={create} />
          {/* The line has its room before the server has said the time. */}
          <p className="hint">
            {linkSeconds === null ? "\u00a0" : t("createHint", { time: format.duration(linkSeconds) })}
          </p>
          {creation.status === "failed" && <CreateProblem problem={creation.problem} />}
        </section>
      )}
      <section className={styles.way} aria-labelledby="join-heading">
        <h2 id="join-heading" className="visually-hidden">
          {t("joinHeading")}
        </h2>
        <JoinForm
          landing={landing}
          autoFocus={offered !== null}
          look={offered === false ? "primary" : "outlined"}
        />
      </section>
    </div>
  );
}

function CreateButton({ busy, onCreate }: { busy: boolean; onCreate: () => void }) {
  const t = useText(landingMessages);
  const online = useBehavior(networkOnline);
  return (
    <Button
      look="primary"
      large
      icon={Plus}
      busy={busy}
      aria-disabled={!online}
      onClick={onCreate}
      className={styles.create}
    >
      {t("create")}
    </Button>
  );
}

function CreateProblem(props: { problem: Parameters<typeof problemText>[0] }) {
  const { problem } = props;
  const t = useText(problemMessages);
  const format = useFormat();
  const wait = useCountdown("seconds" in problem ? problem.seconds : 0);
  return (
    <Notice tone={problem.kind === "rateLimited" ? "warn" : "danger"} role="alert">
      <p>{problemText(problem, t, format, wait)}</p>
      {needsSupport(problem) && <SupportLink />}
    </Notice>
  );
}
