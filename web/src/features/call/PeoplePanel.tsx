import { avatarColours, type ParticipantView, type Role } from "@heydok/client/call";
import { Eye, Mic, MicOff, Pin, PinOff, Video, VideoOff } from "lucide-react";
import { useEffect, useId, useRef, useState } from "react";
import { useBehavior } from "../../app/useBehavior";
import { Avatar } from "../../primitives/Avatar";
import { Icon } from "../../primitives/Icon";
import { IconButton } from "../../primitives/IconButton";
import { useCall, useCallText } from "./context";
import styles from "./PeoplePanel.module.css";
import { QualityBars } from "./QualityBars";
import { SidePanel } from "./SidePanel";
import { type TileDeeds, useTileDeeds } from "./useTileDeeds";

/** A search field is worth its room from this many people on. */
const SEARCH_FROM = 8;

function matches(view: ParticipantView, wanted: string): boolean {
  return view.name.toLocaleLowerCase().includes(wanted.trim().toLocaleLowerCase());
}

export function PeoplePanel() {
  const { session, stage } = useCall();
  const t = useCallText();
  const people = useBehavior(session.people.list);
  const roles = useBehavior(session.roles);
  const { pinned, hidden } = useBehavior(stage.state);
  const deeds = useTileDeeds();
  const [wanted, setWanted] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const id = useId();
  const searchable = people.length >= SEARCH_FROM;
  const colours = avatarColours(people.map((view) => view.id));
  const found = searchable ? people.filter((view) => matches(view, wanted)) : people;
  useEffect(() => (field.current ?? heading.current)?.focus(), []);
  return (
    <SidePanel title={t("people")}>
      <div className={styles.content}>
        {searchable && (
          <div className={styles.search}>
            <label htmlFor={id} className="visually-hidden">
              {t("search")}
            </label>
            <input
              id={id}
              ref={field}
              type="search"
              className={styles.field}
              placeholder={t("search")}
              value={wanted}
              onChange={(event) => setWanted(event.currentTarget.value)}
            />
          </div>
        )}
        <h3 ref={heading} tabIndex={-1} className={styles.heading}>
          {t("inMeeting", { n: people.length })}
        </h3>
        {found.length === 0 && (
          <p className={styles.none} role="status">
            {t("nobodyFound")}
          </p>
        )}
        <ul className={styles.list}>
          {found.map((view) => (
            <Person
              key={view.id}
              view={view}
              colour={colours.get(view.id) ?? 1}
              role={roles.get(view.id) ?? "unknown"}
              pinned={pinned.includes(view.id)}
              hidden={hidden.includes(view.id)}
              deeds={deeds}
            />
          ))}
        </ul>
      </div>
    </SidePanel>
  );
}

/** How good the line of somebody is, where that is worth a word. */
function QualityWords({ view }: { view: ParticipantView }) {
  const t = useCallText();
  const quality = view.stale ? "lost" : view.quality;
  if (quality === "unknown") return null;
  if (quality === "good") return <span className="visually-hidden">{t("qualityGood")}</span>;
  return (
    <span className={styles.quality}>
      <QualityBars quality={quality} />
      {t(quality === "weak" ? "qualityWeak" : "qualityLost")}
    </span>
  );
}

interface PersonProps {
  readonly view: ParticipantView;
  readonly colour: number;
  readonly role: Role;
  readonly pinned: boolean;
  readonly hidden: boolean;
  readonly deeds: TileDeeds;
}

function Person({ view, colour, role, pinned, hidden, deeds }: PersonProps) {
  const t = useCallText();
  const { name } = view;
  return (
    <li className={styles.person}>
      <Avatar colour={colour} name={name} />
      <span className={styles.who}>
        <span className={styles.name} title={name}>
          {view.isLocal ? t("nameYou", { name }) : name}
        </span>
        {role === "host" && <span className={styles.role}>{t("host")}</span>}
        {role === "external" && <span className={styles.role}>{t("external")}</span>}
        {hidden && <span className={styles.role}>{t("hiddenForMe")}</span>}
        <QualityWords view={view} />
      </span>
      <span className={styles.state} data-off={!view.microphoneOn || undefined}>
        <Icon of={view.microphoneOn ? Mic : MicOff} size={18} />
        <span className="visually-hidden">{view.microphoneOn ? t("micOn") : t("muted")}</span>
      </span>
      <span className={styles.state} data-off={!view.cameraOn || undefined}>
        <Icon of={view.cameraOn ? Video : VideoOff} size={18} />
        <span className="visually-hidden">{view.cameraOn ? t("cameraIsOn") : t("cameraIsOff")}</span>
      </span>
      {hidden ? (
        <IconButton
          icon={Eye}
          size={18}
          label={t("unhide", { name })}
          onClick={() => deeds.unhide(view.id)}
        />
      ) : (
        <IconButton
          icon={pinned ? PinOff : Pin}
          size={18}
          label={pinned ? t("unpin", { name }) : t("pin", { name })}
          onClick={() => deeds.pin(view.id)}
        />
      )}
    </li>
  );
}
