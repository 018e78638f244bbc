import { type DeviceInfo, type DeviceKind, type PreJoinViewModel, preJoinMessages } from "@heydok/client";
import { CircleCheck, Mic, Video, Volume2 } from "lucide-react";
import { useEffect, useRef } from "react";
import { useServices, useText } from "../../app/context";
import { useBehavior } from "../../app/useBehavior";
import { Button } from "../../primitives/Button";
import { Icon } from "../../primitives/Icon";
import { Select, type SelectOption } from "../../primitives/Select";
import styles from "./DevicePanel.module.css";

/** Which microphone, camera and speaker, and whether the speaker can be heard. */
export function DevicePanel({ model }: { model: PreJoinViewModel }) {
  const t = useText(preJoinMessages);
  const { preferences } = useServices();
  const list = useBehavior(model.deviceList);
  const { speakerId, microphoneId, cameraId } = useBehavior(preferences.preferences);
  const microphone = useRunning(model, "microphone") ?? microphoneId;
  const camera = useRunning(model, "camera") ?? cameraId;
  return (
    <div className={styles.panel}>
      <DevicePicker
        label={t("microphone")}
        icon={<Icon of={Mic} />}
        devices={list.microphones}
        chosen={microphone}
        nameOf={(n) => t("microphoneN", { n })}
        empty={useEmptyLabel(model, "microphone")}
        onChoose={(id) => model.choose("microphone", id)}
      />
      <DevicePicker
        label={t("camera")}
        icon={<Icon of={Video} />}
        devices={list.cameras}
        chosen={camera}
        nameOf={(n) => t("cameraN", { n })}
        empty={useEmptyLabel(model, "camera")}
        onChoose={(id) => model.choose("camera", id)}
      />
      <div className={styles.speaker}>
        {model.speakerTest.selectable ? (
          <DevicePicker
            id="speaker-choice"
            label={t("speaker")}
            icon={<Icon of={Volume2} />}
            devices={list.speakers}
            chosen={speakerId}
            nameOf={(n) => t("speakerN", { n })}
            empty={t("systemChoice")}
            system={t("systemChoice")}
            onChoose={(id) => model.choose("speaker", id)}
          />
        ) : (
          <p className={styles.note}>{t("systemSpeaker")}</p>
        )}
        <SpeakerTest model={model} speakerId={speakerId} />
      </div>
    </div>
  );
}

/** The device that really runs, whatever was wished. */
function useRunning(model: PreJoinViewModel, kind: DeviceKind): string | null {
  const state = useBehavior(model[kind].state);
  return state.status === "on" ? state.capture.deviceId : null;
}

/** Without the permission a browser names no devices; that none was found is known only after looking for one. */
function useEmptyLabel(model: PreJoinViewModel, kind: DeviceKind): string {
  const t = useText(preJoinMessages);
  const state = useBehavior(model[kind].state);
  if (state.status !== "fault" || state.fault !== "missing") return t("systemChoice");
  return t(kind === "camera" ? "noCamera" : "noMicrophone");
}

interface DevicePickerProps {
  readonly id?: string;
  readonly label: string;
  readonly icon: React.ReactNode;
  readonly devices: readonly DeviceInfo[];
  readonly chosen: string | null;
  /** For devices that the browser does not name yet. */
  readonly nameOf: (n: number) => string;
  readonly empty: string;
  /** Entry for the system's choice, where the browser cannot tell which one that is. */
  readonly system?: string;
  readonly onChoose: (id: string) => void;
}

function DevicePicker(props: DevicePickerProps) {
  const { id, label, icon, devices, chosen, nameOf, empty, system, onChoose } = props;
  const named: SelectOption[] = devices
    .filter((device) => device.id !== "")
    .map((device, index) => ({ value: device.id, label: device.label || nameOf(index + 1) }));
  const known = named.some((option) => option.value === chosen);
  const first = system ?? (named.length === 0 ? empty : known ? null : nameOf(1));
  const options = first === null ? named : [{ value: "", label: first }, ...named];
  return (
    <Select
      {...(id === undefined ? {} : { id })}
      label={label}
      icon={icon}
      options={options}
      value={known && chosen !== null ? chosen : ""}
      disabled={named.length === 0}
      onChoose={onChoose}
    />
  );
}

function SpeakerTest({ model, speakerId }: { model: PreJoinViewModel; speakerId: string | null }) {
  const t = useText(preJoinMessages);
  const test = model.speakerTest;
  const state = useBehavior(test.state);
  const yes = useRef<HTMLButtonElement>(null);
  const again = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    // The pressed button is gone; its answer takes the focus over.
    if (state === "asking") yes.current?.focus();
    if (state === "works" || state === "failed") again.current?.focus();
    if (state === "another") document.getElementById("speaker-choice")?.focus();
  }, [state]);
  return (
    <div className={styles.test}>
      {state === "asking" ? (
        <div className={styles.question}>
          <span>{t("heard")}</span>
          <Button ref={yes} onClick={test.heard}>
            {t("yes")}
          </Button>
          <Button look="plain" onClick={test.notHeard}>
            {t("chooseAnother")}
          </Button>
        </div>
      ) : (
        <Button
          ref={again}
          icon={Volume2}
          busy={state === "playing"}
          onClick={() => void test.play(speakerId)}
        >
          {state === "playing" ? t("playing") : t("testSpeakers")}
        </Button>
      )}
      <p role="status" className={state === "works" ? styles.works : styles.note}>
        {state === "works" && (
          <>
            <Icon of={CircleCheck} size={18} />
            {t("speakersWork")}
          </>
        )}
        {state === "another" && t("speakerAnother")}
        {state === "failed" && t("speakerFailed")}
      </p>
    </div>
  );
}
