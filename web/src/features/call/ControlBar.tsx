import {
  MessageSquare,
  Mic,
  MicOff,
  ScreenShare,
  ScreenShareOff,
  Users,
  Video,
  VideoOff,
} from "lucide-react";
import { useRef } from "react";
import { useBehavior } from "../../app/useBehavior";
import styles from "./ControlBar.module.css";
import { ControlButton } from "./ControlButton";
import { useCall, useCallText } from "./context";
import { CameraMenu, MicrophoneMenu } from "./DeviceMenus";
import { Elapsed } from "./Elapsed";
import { LayoutChoice } from "./LayoutChoice";
import { LeaveButton } from "./LeaveButton";
import { MoreOptions } from "./MoreOptions";
import { useToolbar } from "./useToolbar";
import { useWidth } from "./useWidth";

/** Whether this browser can capture a screen at all; phones cannot. */
export const canShare = typeof navigator.mediaDevices?.getDisplayMedia === "function";

/** All controls of the call, ordered by thumb reach; what a width has no room for is under "More options". */
export function ControlBar() {
  const t = useCallText();
  const width = useWidth();
  const bar = useRef<HTMLDivElement>(null);
  const onKeyDown = useToolbar(bar);
  const wide = width === "desktop";
  return (
    <footer className={styles.footer} data-width={width} data-f6-region="">
      {wide && <Elapsed />}
      <div ref={bar} role="toolbar" aria-label={t("controls")} className={styles.bar} onKeyDown={onKeyDown}>
        <div className={styles.group}>
          <span className={styles.pair}>
            <MicrophoneButton />
            {width !== "phone" && <MicrophoneMenu />}
          </span>
          <span className={styles.pair}>
            <CameraButton />
            {width !== "phone" && <CameraMenu />}
          </span>
          {width !== "phone" && canShare && <ShareButton />}
          {width === "phone" && <ChatButton />}
          <MoreOptions width={width} />
          <LeaveButton />
        </div>
        {width !== "phone" && (
          <div className={styles.side}>
            <PeopleButton />
            <ChatButton />
          </div>
        )}
      </div>
      {wide && <LayoutChoice />}
    </footer>
  );
}

function MicrophoneButton() {
  const { session } = useCall();
  const t = useCallText();
  const { microphoneOn, microphoneBusy } = useBehavior(session.media.state);
  return (
    <ControlButton
      icon={microphoneOn ? Mic : MicOff}
      command="toggle-microphone"
      label={microphoneOn ? t("mute") : t("unmute")}
      look={microphoneOn ? "plain" : "off"}
      aria-busy={microphoneBusy || undefined}
      onClick={() => session.media.setMicrophone(!microphoneOn)}
    />
  );
}

function CameraButton() {
  const { session } = useCall();
  const t = useCallText();
  const { cameraOn, cameraBusy } = useBehavior(session.media.state);
  return (
    <ControlButton
      icon={cameraOn ? Video : VideoOff}
      command="toggle-camera"
      label={cameraOn ? t("cameraOff") : t("cameraOn")}
      look={cameraOn ? "plain" : "off"}
      aria-busy={cameraBusy || undefined}
      onClick={() => session.media.setCamera(!cameraOn)}
    />
  );
}

function ShareButton() {
  const { session } = useCall();
  const t = useCallText();
  const { screen } = useBehavior(session.media.state);
  const sharing = screen !== null;
  return (
    <ControlButton
      icon={sharing ? ScreenShareOff : ScreenShare}
      command="toggle-share"
      label={sharing ? t("stopShare") : t("share")}
      look={sharing ? "on" : "plain"}
      onClick={() => (sharing ? session.media.stopShare() : void session.media.startShare("text"))}
    />
  );
}

function PeopleButton() {
  const { session, panel, togglePanel } = useCall();
  const t = useCallText();
  const people = useBehavior(session.people.list);
  return (
    <ControlButton
      icon={Users}
      command="toggle-people"
      label={t("people")}
      look={panel === "people" ? "on" : "plain"}
      badge={people.length}
      aria-expanded={panel === "people"}
      onClick={() => togglePanel("people")}
    />
  );
}

function ChatButton() {
  const { session, panel, togglePanel } = useCall();
  const t = useCallText();
  const { unread } = useBehavior(session.chat.log);
  return (
    <ControlButton
      icon={MessageSquare}
      command="toggle-chat"
      label={unread > 0 ? t("chatUnread", { n: unread }) : t("chat")}
      look={panel === "chat" ? "on" : "plain"}
      badge={unread}
      aria-expanded={panel === "chat"}
      onClick={() => togglePanel("chat")}
    />
  );
}
