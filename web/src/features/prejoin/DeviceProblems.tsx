import {
  commonMessages,
  type DeviceFault,
  type DeviceState,
  type PreJoinViewModel,
  permissionHelpMessages,
  preJoinMessages,
  type Translate,
} from "@heydok/client";
import { useText } from "../../app/context";
import { useBehavior } from "../../app/useBehavior";
import { browserHelpOf, browserHelps, systemHelpOf } from "../../browser/platform";
import { Button } from "../../primitives/Button";
import { Notice } from "../../primitives/Notice";
import styles from "./DeviceProblems.module.css";

type PreJoinText = Translate<typeof preJoinMessages>;

/** Why a wanted camera or microphone does not run, and what to do about it. */
export function DeviceProblems({ model }: { model: PreJoinViewModel }) {
  const t = useText(preJoinMessages);
  const common = useText(commonMessages);
  const camera = faultOf(useBehavior(model.camera.state));
  const microphone = faultOf(useBehavior(model.microphone.state));
  if (camera === null && microphone === null) return null;
  if (camera === "insecure" || microphone === "insecure") {
    return <Notice tone="warn" title={common("noHttps")} />;
  }
  const blocked = [camera, microphone].find((fault) => fault?.startsWith("denied")) ?? null;
  const others = otherSentences(camera, microphone, t);
  return (
    <div className={styles.problems}>
      {blocked !== null && (
        <Blocked
          fault={blocked}
          title={blockedTitle(camera, microphone, t)}
          still={t(isDenied(camera) && isDenied(microphone) ? "blockedStillBoth" : "blockedStill")}
          onRetry={model.retry}
        />
      )}
      {others.length > 0 && (
        <Notice tone="warn">
          {others.map((sentence) => (
            <p key={sentence}>{sentence}</p>
          ))}
          <div className={styles.deed}>
            <Button onClick={model.retry}>{common("retry")}</Button>
          </div>
        </Notice>
      )}
    </div>
  );
}

function faultOf(state: DeviceState): DeviceFault | null {
  return state.status === "fault" ? state.fault : null;
}

function isDenied(fault: DeviceFault | null): boolean {
  return fault?.startsWith("denied") ?? false;
}

function blockedTitle(camera: DeviceFault | null, microphone: DeviceFault | null, t: PreJoinText): string {
  if (isDenied(camera) && isDenied(microphone)) return t("bothBlocked");
  return isDenied(camera) ? t("cameraBlocked") : t("microphoneBlocked");
}

function otherSentences(
  camera: DeviceFault | null,
  microphone: DeviceFault | null,
  t: PreJoinText,
): string[] {
  if (camera === "missing" && microphone === "missing") return [t("bothMissing")];
  if (camera === "inUse" && microphone === "inUse") return [t("bothInUse")];
  const sentences = [];
  if (camera === "missing") sentences.push(t("cameraMissing"));
  if (camera === "inUse") sentences.push(t("cameraInUse"));
  if (camera === "failed") sentences.push(t("cameraFailed"));
  if (microphone === "missing") sentences.push(t("microphoneMissing"));
  if (microphone === "inUse") sentences.push(t("microphoneInUse"));
  if (microphone === "failed") sentences.push(t("microphoneFailed"));
  return sentences;
}

interface BlockedProps {
  readonly fault: DeviceFault;
  readonly title: string;
  /** What works all the same. */
  readonly still: string;
  readonly onRetry: () => void;
}

function Blocked({ fault, title, still, onRetry }: BlockedProps) {
  const t = useText(preJoinMessages);
  const common = useText(commonMessages);
  return (
    <section aria-labelledby="blocked-heading">
      <Notice
        tone="danger"
        title={
          <h2 id="blocked-heading" className={styles.heading}>
            {title}
          </h2>
        }
      >
        {fault === "deniedByFrame" ? (
          <p>{t("frameBlocked")}</p>
        ) : (
          <Help system={fault === "deniedBySystem"} />
        )}
        <p>{still}</p>
        <div className={styles.deed}>
          <Button onClick={onRetry}>{common("retry")}</Button>
        </div>
      </Notice>
    </section>
  );
}

function Help({ system }: { system: boolean }) {
  const t = useText(permissionHelpMessages);
  const mine = browserHelpOf(navigator.userAgent, navigator.maxTouchPoints);
  if (system) {
    return (
      <p>
        <strong>{t("systemHeading")}:</strong> {t(systemHelpOf(navigator.userAgent))}
      </p>
    );
  }
  return (
    <>
      <p>
        <strong>{t(`${mine}Name`)}:</strong> {t(mine)}
      </p>
      <details className={styles.others}>
        <summary>{t("others")}</summary>
        <dl>
          {browserHelps
            .filter((help) => help !== mine)
            .map((help) => (
              <div key={help}>
                <dt>{t(`${help}Name`)}</dt>
                <dd>{t(help)}</dd>
              </div>
            ))}
        </dl>
      </details>
    </>
  );
}
