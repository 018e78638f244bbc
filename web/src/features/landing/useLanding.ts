import { LandingViewModel } from "@heydok/client";
import { useServices } from "../../app/context";
import { navigate } from "../../app/router";
import { useViewModel } from "../../app/useViewModel";

export function useLanding(): LandingViewModel | null {
  const { api, keys } = useServices();
  return useViewModel(() => new LandingViewModel(api, keys, (code) => navigate(`/meeting/${code}`)));
}
