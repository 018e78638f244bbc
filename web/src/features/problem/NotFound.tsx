import { problemMessages } from "@heydok/client";
import { useText } from "../../app/context";
import { Frame } from "../../frame/Frame";
import { Heading } from "../../frame/Heading";
import { JoinForm } from "../landing/JoinForm";
import { useLanding } from "../landing/useLanding";
import { EmptyChair } from "./EmptyChair";
import styles from "./Problem.module.css";

export function NotFound() {
  const t = useText(problemMessages);
  const landing = useLanding();
  return (
    <Frame>
      <div className={styles.screen}>
        <EmptyChair />
        <Heading title={t("notFoundTitle")}>{t("notFoundTitle")}</Heading>
        <p className="lead">{t("notFoundText")}</p>
        {landing && <JoinForm landing={landing} look="primary" />}
      </div>
    </Frame>
  );
}
