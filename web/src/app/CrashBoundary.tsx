import { problemMessages } from "@heydok/client";
import { Component, type ReactNode } from "react";
import styles from "../features/problem/Problem.module.css";
import { SupportLink } from "../features/problem/SupportLink";
import { Frame } from "../frame/Frame";
import { Heading } from "../frame/Heading";
import { Button } from "../primitives/Button";
import { useText } from "./context";

interface State {
  readonly error: Error | null;
}

/** An error in our own rendering ends in a screen with a way on, never in an empty page. */
export class CrashBoundary extends Component<{ children: ReactNode }, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: unknown): State {
    return { error: error instanceof Error ? error : new Error("unknown") };
  }

  override render(): ReactNode {
    return this.state.error ? <Crashed code={this.state.error.name} /> : this.props.children;
  }
}

function Crashed({ code }: { code: string }) {
  const t = useText(problemMessages);
  return (
    <Frame>
      <div className={styles.screen}>
        <Heading title={t("crashedTitle")}>{t("crashedTitle")}</Heading>
        <p className="lead">{t("crashedText", { code })}</p>
        <SupportLink />
        <div className={styles.actions}>
          <Button look="primary" onClick={() => location.reload()}>
            {t("reload")}
          </Button>
        </div>
      </div>
    </Frame>
  );
}
