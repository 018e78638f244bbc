import { settingsMessages } from "@heydok/client/call";
import { useState } from "react";
import { useText } from "../../app/context";
import { Dialog } from "../../primitives/Dialog";
import { Tabs } from "../../primitives/Tabs";
import { ConnectionDetails } from "./ConnectionDetails";
import type { SettingsSection } from "./context";
import { CameraChoice, MicrophoneChoice, SpeakerChoice } from "./DeviceMenus";
import { LevelMeter } from "./LevelMeter";
import { NoticeSettings } from "./NoticeSettings";

/** What one may set from within the call. Everything holds at once. */
export function SettingsDialog({ first, onClose }: { first: SettingsSection; onClose: () => void }) {
  const t = useText(settingsMessages);
  const [section, setSection] = useState<SettingsSection>(first);
  return (
    <Dialog title={t("settings")} onClose={onClose} steady>
      <Tabs
        label={t("settings")}
        tabs={[
          { id: "devices", label: t("devices") },
          { id: "notices", label: t("notices") },
          { id: "connection", label: t("connection") },
        ]}
        chosen={section}
        onChoose={setSection}
      >
        {section === "devices" && <DeviceSettings />}
        {section === "notices" && <NoticeSettings />}
        {section === "connection" && <ConnectionDetails />}
      </Tabs>
    </Dialog>
  );
}

function DeviceSettings() {
  return (
    <>
      <MicrophoneChoice />
      <LevelMeter />
      <SpeakerChoice />
      <CameraChoice />
    </>
  );
}
