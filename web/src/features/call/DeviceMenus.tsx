import { ChevronUp } from "lucide-react";
import { useState } from "react";
import { useServices } from "../../app/context";
import { Choice } from "./Choice";
import { ControlButton } from "./ControlButton";
import { useCall, useCallText } from "./context";
import { LevelMeter } from "./LevelMeter";
import { Popup } from "./Popup";
import { useDevices } from "./useDevices";

const SYSTEM = "default";

/** Whether this browser lets a page choose where sound comes out. */
const canChooseSpeaker = "setSinkId" in HTMLMediaElement.prototype;

export function MicrophoneMenu() {
  const t = useCallText();
  return (
    <Popup
      label={t("microphoneDevices")}
      trigger={(props) => (
        <ControlButton {...props} icon={ChevronUp} label={t("microphoneDevices")} look="narrow" />
      )}
    >
      {() => (
        <>
          <MicrophoneChoice />
          <LevelMeter />
          <SpeakerChoice />
        </>
      )}
    </Popup>
  );
}

export function CameraMenu() {
  const t = useCallText();
  return (
    <Popup
      label={t("cameraDevices")}
      trigger={(props) => (
        <ControlButton {...props} icon={ChevronUp} label={t("cameraDevices")} look="narrow" />
      )}
    >
      {() => <CameraChoice />}
    </Popup>
  );
}

export function MicrophoneChoice() {
  const { session } = useCall();
  const { preferences } = useServices();
  const choose = (id: string) => {
    preferences.change({ microphoneId: id });
    return session.media.choose("microphone", id);
  };
  return <DeviceChoice kind="audioinput" chosen={session.media.devices.microphone} onChoose={choose} />;
}

export function CameraChoice() {
  const { session } = useCall();
  const { preferences } = useServices();
  const choose = (id: string) => {
    preferences.change({ cameraId: id });
    return session.media.choose("camera", id);
  };
  return <DeviceChoice kind="videoinput" chosen={session.media.devices.camera} onChoose={choose} />;
}

export function SpeakerChoice() {
  const { session } = useCall();
  const { preferences } = useServices();
  const t = useCallText();
  if (!canChooseSpeaker) return <p>{t("systemSpeaker")}</p>;
  const choose = (id: string) => {
    preferences.change({ speakerId: id });
    return session.chooseSpeaker(id);
  };
  return <DeviceChoice kind="audiooutput" chosen={session.speaker} onChoose={choose} />;
}

const LEGENDS = { audioinput: "microphone", videoinput: "camera", audiooutput: "speaker" } as const;

function DeviceChoice(props: {
  readonly kind: MediaDeviceKind;
  readonly chosen: string | null;
  readonly onChoose: (id: string) => Promise<void>;
}) {
  const { kind, chosen, onChoose } = props;
  const t = useCallText();
  const devices = useDevices(kind);
  const [value, setValue] = useState(chosen);
  const options = devices.map((device, index) => ({
    value: device.deviceId,
    label: device.label || t("unnamedDevice", { n: index + 1 }),
  }));
  const known = options.some((option) => option.value === value);
  const present = known ? (value ?? SYSTEM) : (options[0]?.value ?? SYSTEM);
  if (options.length === 0) options.push({ value: SYSTEM, label: t("systemDevice") });
  return (
    <Choice
      legend={t(LEGENDS[kind])}
      value={present}
      options={options}
      onChange={(id) => {
        setValue(id);
        void onChoose(id);
      }}
    />
  );
}
