import type { Offers } from "@heydok/client";
import { useEffect } from "react";
import { useServices } from "./context";
import { useBehavior } from "./useBehavior";

/** What the server offers; asked again by each screen that needs it, should the page not have got an answer. */
export function useOffers(): Offers {
  const { offers } = useServices();
  useEffect(() => offers.ask(), [offers]);
  return useBehavior(offers.current);
}
