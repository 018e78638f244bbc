/** The languages the client ships. */
export const languages = ["en", "de"] as const;
export type Language = (typeof languages)[number];

/** One text: English, German. */
export type Text = readonly [en: string, de: string];
/** A text that depends on the count `n`. */
export interface CountedText {
  readonly one: Text;
  readonly other: Text;
}
/** The texts of one feature. A missing language is a type error. */
export type Messages = Readonly<Record<string, Text | CountedText>>;

type Placeholders<S extends string> = S extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;
type NamesOf<E> = E extends readonly [infer En extends string, string]
  ? Placeholders<En>
  : E extends { readonly other: readonly [infer En extends string, string] }
    ? Placeholders<En> | "n"
    : never;
type Arguments<E> = [NamesOf<E>] extends [never]
  ? []
  : [values: { readonly [Name in NamesOf<E>]: string | number }];

/** `t("key", { name })`: the text in the current language. Placeholders are checked by the compiler. */
export type Translate<M extends Messages> = <K extends keyof M & string>(
  key: K,
  ...values: Arguments<M[K]>
) => string;

/** Declares the texts of a feature and keeps their literal types, from which placeholders are checked. */
export function defineMessages<const M extends Messages>(messages: M): M {
  return messages;
}

const pluralRules: Record<Language, Intl.PluralRules> = {
  en: new Intl.PluralRules("en"),
  de: new Intl.PluralRules("de"),
};

export function translator<M extends Messages>(messages: M, language: Language): Translate<M> {
  const index = languages.indexOf(language);
  return (key, ...rest) => {
    const values = rest[0] as Readonly<Record<string, string | number>> | undefined;
    const entry = messages[key] as Text | CountedText;
    const text = "other" in entry ? pick(entry, language, Number(values?.n)) : entry;
    const template = text[index] ?? text[0];
    if (values === undefined) return template;
    return template.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
  };
}

function pick(entry: CountedText, language: Language, count: number): Text {
  return pluralRules[language].select(count) === "one" ? entry.one : entry.other;
}

/** The best shipped language for the wishes of a browser (`navigator.languages`). */
export function chooseLanguage(wishes: readonly string[]): Language {
  for (const wish of wishes) {
    const base = wish.toLowerCase().split("-")[0];
    const found = languages.find((language) => language === base);
    if (found) return found;
  }
  return "en";
}
