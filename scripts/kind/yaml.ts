/** Writes values as YAML in block style, so that generated manifests read like those written by hand. */

/** What YAML can say, as far as manifests need it. */
export type Yaml = string | number | boolean | readonly Yaml[] | { readonly [key: string]: Yaml };

/** Plain where no reader could take the text for anything but a text; else in double quotes, which are JSON's. */
const PLAIN = /^(?!(?:true|false|yes|no|on|off|y|n|null|[\d.+~-].*)$)[A-Za-z/][A-Za-z0-9/._-]*$/i;

/** One document. */
export function toYaml(value: Yaml): string {
  return `${lines(value).join('\n')}\n`;
}

/** Several documents in one file. */
export function toYamlDocuments(values: readonly Yaml[]): string {
  return values.map(toYaml).join('---\n');
}

function lines(value: Yaml): string[] {
  if (typeof value !== 'object') return [scalar(value)];
  if (isList(value)) return value.length === 0 ? ['[]'] : value.flatMap(item);
  const entries = Object.entries(value);
  return entries.length === 0 ? ['{}'] : entries.flatMap(([key, part]) => entry(key, part));
}

function item(value: Yaml): string[] {
  return lines(value).map((line, index) => (index === 0 ? `- ${line}` : `  ${line}`));
}

function entry(key: string, value: Yaml): string[] {
  const name = scalar(key);
  if (typeof value === 'string' && value.includes('\n')) return [`${name}: |`, ...block(value)];
  const rest = lines(value);
  const isInline = typeof value !== 'object' || Object.keys(value).length === 0;
  return isInline ? [`${name}: ${rest.join('')}`] : [`${name}:`, ...rest.map((line) => `  ${line}`)];
}

/** A text of several lines; it ends with a line break, as `|` has it. */
function block(text: string): string[] {
  if (!text.endsWith('\n')) throw new TypeError('yaml: a text of several lines must end with a line break');
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`));
}

function scalar(value: string | number | boolean): string {
  if (typeof value !== 'string') return String(value);
  return PLAIN.test(value) ? value : JSON.stringify(value);
}

function isList(value: Yaml): value is readonly Yaml[] {
  return Array.isArray(value);
}
