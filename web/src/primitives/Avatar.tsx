import { initials } from "@heydok/client";
import styles from "./Avatar.module.css";

/** Initials on one of the avatar colours, for people without a picture. The name stands beside it. */
export function Avatar(props: {
  readonly colour: number;
  readonly name: string;
  readonly className?: string | undefined;
}) {
  const { colour, name, className } = props;
  return (
    <span
      className={[styles.avatar, className].filter(Boolean).join(" ")}
      data-colour={colour}
      aria-hidden="true"
    >
      {initials(name)}
    </span>
  );
}
