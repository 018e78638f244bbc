import { commonMessages } from "@heydok/client";
import { X } from "lucide-react";
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { useText } from "../app/context";
import { useAnnounce } from "./Announcer";
import styles from "./Toasts.module.css";

export interface Toast {
  readonly text: string;
  readonly action?: { readonly label: string; readonly run: () => void };
}

export type ShowToast = (toast: Toast) => void;

interface Shown extends Toast {
  readonly id: number;
}

const TOASTS_MAX = 3;
const SHOWN_MS = 6_000;

const ToastContext = createContext<ShowToast>(() => undefined);

/** A passing message in the corner. Never the only carrier of what it says. */
export function useToast(): ShowToast {
  return useContext(ToastContext);
}

export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Shown[]>([]);
  const counter = useRef(0);
  const announce = useAnnounce();
  const show = useCallback<ShowToast>(
    (toast) => {
      counter.current += 1;
      const shown = { ...toast, id: counter.current };
      setToasts((before) => [...before, shown].slice(-TOASTS_MAX));
      announce(toast.text);
    },
    [announce],
  );
  const close = useCallback(
    (id: number) => setToasts((before) => before.filter((toast) => toast.id !== id)),
    [],
  );
  const t = useText(commonMessages);
  return (
    <ToastContext value={show}>
      {children}
      <section className={styles.region} aria-label={t("notifications")} tabIndex={-1} data-f6-region>
        {toasts.map((toast) => (
          <ToastCard key={toast.id} toast={toast} onClose={close} closeLabel={t("dismiss")} />
        ))}
      </section>
    </ToastContext>
  );
}

function ToastCard(props: { toast: Shown; onClose: (id: number) => void; closeLabel: string }) {
  const { toast, onClose, closeLabel } = props;
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => onClose(toast.id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [held, onClose, toast.id]);
  const hold = useMemo(
    () => ({
      onPointerEnter: () => setHeld(true),
      onPointerLeave: () => setHeld(false),
      onFocus: () => setHeld(true),
      onBlur: () => setHeld(false),
    }),
    [],
  );
  return (
    <div className={styles.toast} {...hold}>
      <p>{toast.text}</p>
      {toast.action && (
        <button
          type="button"
          className={styles.action}
          onClick={() => {
            toast.action?.run();
            onClose(toast.id);
          }}
        >
          {toast.action.label}
        </button>
      )}
      <button
        type="button"
        className={styles.close}
        aria-label={closeLabel}
        onClick={() => onClose(toast.id)}
      >
        <X aria-hidden size={18} strokeWidth={1.75} />
      </button>
    </div>
  );
}
