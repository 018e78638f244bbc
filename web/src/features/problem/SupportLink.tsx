import { commonMessages } from "@heydok/client";
import { useText } from "../../app/context";
import { useOffers } from "../../app/useOffers";

/** The way to whoever runs this server, where one is named. */
export function SupportLink() {
  const t = useText(commonMessages);
  const { support } = useOffers();
  return support && <a href={support.url}>{t("support", { name: support.name })}</a>;
}
