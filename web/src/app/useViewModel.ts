import { useEffect, useEffectEvent, useState } from "react";

interface Ends {
  end(): void;
}

/**
 * A view model that lives as long as the component does. `null` on the first render, because it may not open devices
 * or connections before the component is on the page.
 */
export function useViewModel<T extends Ends>(create: () => T): T | null {
  const [model, setModel] = useState<T | null>(null);
  const make = useEffectEvent(create);
  useEffect(() => {
    const made = make();
    setModel(made);
    return () => made.end();
  }, []);
  return model;
}
