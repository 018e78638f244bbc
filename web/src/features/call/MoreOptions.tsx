import { settingsMessages } from "@heydok/client/call";
import {
  Ellipsis,
  Keyboard,
  Maximize,
  ScreenShare,
  ScreenShareOff,
  SlidersHorizontal,
  Users,
} from "lucide-react";
import { useText } from "../../app/context";
import { useBehavior } from "../../app/useBehavior";
import { Button } from "../../primitives/Button";
import { canShare } from "./ControlBar";
import { ControlButton } from "./ControlButton";
import { useCall, useCallText } from "./context";
import { LayoutList } from "./LayoutChoice";
import { Popup } from "./Popup";
import { toggleFullScreen } from "./useShortcuts";
import type { Width } from "./useWidth";

/** What the bar has no room for, and what is needed rarely. */
export function MoreOptions({ width }: { width: Width }) {
  const t = useCallText();
  return (
    <Popup
      label={t("more")}
      trigger={(props) => <ControlButton {...props} icon={Ellipsis} label={t("more")} />}
    >
      {(close) => (
        <>
          {width === "phone" && <PhoneActions close={close} />}
          {width !== "desktop" && <LayoutList />}
          {width !== "phone" && canShare && <MotionShare close={close} />}
          <CommonActions close={close} />
        </>
      )}
    </Popup>
  );
}

function PhoneActions({ close }: { close: () => void }) {
  const { session, togglePanel } = useCall();
  const t = useCallText();
  const people = useBehavior(session.people.list);
  const { screen } = useBehavior(session.media.state);
  const share = () => {
    close();
    if (screen === null) void session.media.startShare("text");
    else session.media.stopShare();
  };
  return (
    <>
      <Button
        wide
        icon={Users}
        onClick={() => {
          close();
          togglePanel("people");
        }}
      >
        {t("peopleCount", { n: people.length })}
      </Button>
      {canShare && (
        <Button wide icon={screen === null ? ScreenShare : ScreenShareOff} onClick={share}>
          {screen === null ? t("share") : t("stopShare")}
        </Button>
      )}
    </>
  );
}

/** The bar's button keeps text sharp; for films the other choice is here. */
function MotionShare({ close }: { close: () => void }) {
  const { session } = useCall();
  const t = useCallText();
  const { screen } = useBehavior(session.media.state);
  if (screen !== null) return null;
  const share = () => {
    close();
    void session.media.startShare("motion");
  };
  return (
    <Button wide icon={ScreenShare} onClick={share}>
      {t("shareMotion")}
    </Button>
  );
}

function CommonActions({ close }: { close: () => void }) {
  const { showShortcuts, showSettings } = useCall();
  const t = useCallText();
  const settings = useText(settingsMessages);
  return (
    <>
      <Button
        wide
        icon={SlidersHorizontal}
        onClick={() => {
          close();
          showSettings();
        }}
      >
        {settings("settings")}
      </Button>
      <Button
        wide
        icon={Maximize}
        onClick={() => {
          close();
          toggleFullScreen();
        }}
      >
        {document.fullscreenElement ? t("exitFullScreen") : t("fullScreen")}
      </Button>
      <Button
        wide
        icon={Keyboard}
        onClick={() => {
          close();
          showShortcuts();
        }}
      >
        {t("shortcuts")}
      </Button>
    </>
  );
}
