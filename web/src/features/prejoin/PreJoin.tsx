import { type Door, type MeetingInfo, PreJoinViewModel, preJoinMessages } from "@heydok/client";
import { Crown, SlidersHorizontal } from "lucide-react";
import { useEffect, useState } from "react";
import { useServices, useText } from "../../app/context";
import { useBehavior } from "../../app/useBehavior";
import { useViewModel } from "../../app/useViewModel";
import { browserDevices } from "../../browser/devices";
import { openLevelMeter } from "../../browser/meter";
import { networkOnline } from "../../browser/network";
import { browserSpeaker } from "../../browser/speaker";
import { Frame } from "../../frame/Frame";
import { Heading } from "../../frame/Heading";
import { Button } from "../../primitives/Button";
import { Dialog } from "../../primitives/Dialog";
import { Icon } from "../../primitives/Icon";
import { useToast } from "../../primitives/Toasts";
import { DevicePanel } from "./DevicePanel";
import { DeviceProblems } from "./DeviceProblems";
import { JoinBar, JoinForm } from "./JoinForm";
import { LevelMeter } from "./LevelMeter";
import { LineCheck } from "./LineCheck";
import styles from "./PreJoin.module.css";
import { Presence } from "./Presence";
import { Preview } from "./Preview";
import { useDeviceKeys, useSpokenDevices } from "./useDeviceKeys";

interface PreJoinProps {
  readonly meeting: MeetingInfo;
  readonly host: boolean;
  readonly door: Door;
}

const ports = {
  devices: browserDevices,
  speaker: browserSpeaker,
  openLevelMeter,
  network: { online: networkOnline },
};

/** Look and sound right, then one press. */
export function PreJoin({ meeting, host, door }: PreJoinProps) {
  const { preferences } = useServices();
  const model = useViewModel(() => {
    const prefilled = new URLSearchParams(location.search).get("name");
    const made = new PreJoinViewModel(ports, preferences, prefilled, door);
    made.begin();
    return made;
  });
  return <Frame>{model && <PreJoinView model={model} meeting={meeting} host={host} />}</Frame>;
}

function PreJoinView({
  model,
  meeting,
  host,
}: {
  model: PreJoinViewModel;
  meeting: MeetingInfo;
  host: boolean;
}) {
  const t = useText(preJoinMessages);
  const title = meeting.name ?? t("untitled", { code: meeting.code });
  useDeviceKeys(model);
  useSpokenDevices(model);
  useFallbackToast(model);
  return (
    <div className={styles.screen}>
      <header className={styles.header}>
        <Heading title={title}>{title}</Heading>
        <div className={styles.facts}>
          <Presence meeting={meeting} />
          {host && (
            <p className={styles.host}>
              <Icon of={Crown} size={18} />
              {t("host")}
            </p>
          )}
        </div>
      </header>
      <JoinForm model={model} />
      <div className={styles.stageColumn}>
        <Preview model={model} />
        <div className={styles.problems}>
          <DeviceProblems model={model} />
        </div>
        <section className={styles.devices} aria-labelledby="devices-heading">
          <h2 id="devices-heading" className="visually-hidden">
            {t("deviceSettings")}
          </h2>
          <LevelMeter model={model} />
          <DeviceSettings model={model} />
          <LineCheck model={model} />
        </section>
      </div>
      <JoinBar model={model} />
    </div>
  );
}

/** Beside the preview where there is room, in a sheet on phones. */
function DeviceSettings({ model }: { model: PreJoinViewModel }) {
  const t = useText(preJoinMessages);
  const wide = useMedia("(min-width: 48rem)");
  const [open, setOpen] = useState(false);
  if (wide) return <DevicePanel model={model} />;
  return (
    <>
      <Button icon={SlidersHorizontal} aria-haspopup="dialog" onClick={() => setOpen(true)}>
        {t("deviceSettings")}
      </Button>
      {open && (
        <Dialog title={t("deviceSettings")} onClose={() => setOpen(false)}>
          <DevicePanel model={model} />
        </Dialog>
      )}
    </>
  );
}

function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const change = () => setMatches(list.matches);
    list.addEventListener("change", change);
    return () => list.removeEventListener("change", change);
  }, [query]);
  return matches;
}

function useFallbackToast(model: PreJoinViewModel): void {
  const t = useText(preJoinMessages);
  const toast = useToast();
  const kind = useBehavior(model.fellBack);
  useEffect(() => {
    if (kind !== null) toast({ text: t(kind === "camera" ? "fellBackCamera" : "fellBackMicrophone") });
  }, [kind, t, toast]);
}
