import { ChevronDown } from "lucide-react";
import { type ReactNode, type SelectHTMLAttributes, useId } from "react";
import { Icon } from "./Icon";
import styles from "./Select.module.css";

export interface SelectOption {
  readonly value: string;
  readonly label: string;
}

export interface SelectProps extends Omit<SelectHTMLAttributes<HTMLSelectElement>, "onChange"> {
  readonly label: string;
  readonly icon?: ReactNode;
  readonly options: readonly SelectOption[];
  readonly onChoose: (value: string) => void;
  readonly compact?: boolean;
}

/** The system's own list: best known by people, phones and screen readers. */
export function Select(props: SelectProps) {
  const { label, icon, options, onChoose, id, compact = false, ...rest } = props;
  const generated = useId();
  const selectId = id ?? generated;
  return (
    <div className={compact ? styles.compact : styles.field}>
      <label htmlFor={selectId} className={compact ? "visually-hidden" : styles.label}>
        {label}
      </label>
      <div className={styles.box}>
        {icon && <span className={styles.icon}>{icon}</span>}
        <select
          {...rest}
          id={selectId}
          className={styles.select}
          onChange={(event) => onChoose(event.target.value)}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
        <span className={styles.chevron}>
          <Icon of={ChevronDown} size={18} />
        </span>
      </div>
    </div>
  );
}
