import { aboutMessages } from "@heydok/client";
import { useText } from "../../app/context";
import { Frame } from "../../frame/Frame";
import { Heading } from "../../frame/Heading";
import { SupportLink } from "../problem/SupportLink";
import styles from "./About.module.css";

const topics = {
  accessibility: {
    title: "accessibilityTitle",
    lead: "accessibilityLead",
    parts: [
      ["keyboardTitle", "keyboardText"],
      ["readerTitle", "readerText"],
      ["sightTitle", "sightText"],
      ["limitsTitle", "limitsText"],
      ["reportTitle", "reportText"],
    ],
  },
  privacy: {
    title: "privacyTitle",
    lead: "privacyLead",
    parts: [
      ["browserTitle", "browserText"],
      ["serverTitle", "serverText"],
      ["retentionTitle", "retentionText"],
      ["callTitle", "callText"],
      ["othersTitle", "othersText"],
    ],
  },
} as const;

/** What this client does and does not do, in plain words. The operator's legal text comes beside it, not from here. */
export default function AboutScreen({ topic }: { topic: keyof typeof topics }) {
  const t = useText(aboutMessages);
  const { title, lead, parts } = topics[topic];
  return (
    <Frame>
      <article className={styles.article}>
        <Heading title={t(title)}>{t(title)}</Heading>
        <p className="lead">{t(lead)}</p>
        {parts.map(([heading, text]) => (
          <section key={heading} className={styles.part}>
            <h2>{t(heading)}</h2>
            <p>{t(text)}</p>
            {heading === "reportTitle" && <SupportLink />}
          </section>
        ))}
      </article>
    </Frame>
  );
}
