import { useId } from "react";
import styles from "./Choice.module.css";

export interface Option<T extends string> {
  readonly value: T;
  readonly label: string;
}

/** A short list of which one holds: native radios, so arrows and screen readers work by themselves. */
export function Choice<T extends string>(props: {
  readonly legend: string;
  readonly options: readonly Option<T>[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}) {
  const { legend, options, value, onChange } = props;
  const name = useId();
  const legendId = useId();
  return (
    <div role="radiogroup" aria-labelledby={legendId} className={styles.group}>
      <p id={legendId} className={styles.legend}>
        {legend}
      </p>
      {options.map((option) => (
        <label key={option.value} className={styles.option}>
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          <span>{option.label}</span>
        </label>
      ))}
    </div>
  );
}
