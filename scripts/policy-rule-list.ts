/**
 * What the METADATA of the rules says of each rule that a decision names: a rule carries its decision's codes as `custom`.
 */

/** One annotated rule, as `opa inspect --annotations` gives it. */
export interface Annotated {
  readonly annotations: {
    readonly title?: string;
    readonly description?: string;
    readonly custom?: { readonly rule?: string; readonly reason?: string };
  };
  readonly location: { readonly file: string; readonly row: number };
}

/** The text of `policies/rule-list.json`: by code, in order of the codes. */
export function ruleListText(annotated: readonly Annotated[]): string {
  const rules: Record<string, { title: string; description?: string; reason: string }> = {};
  for (const { annotations, location } of annotated) {
    const { title, description, custom } = annotations;
    if (custom?.rule === undefined) continue;
    const place = `${location.file}:${location.row}`;
    if (title === undefined || custom.reason === undefined)
      throw new Error(`${place}: a rule that decisions name needs a title and the reason's code`);
    if (Object.hasOwn(rules, custom.rule)) throw new Error(`${place}: another rule has the code ${custom.rule}`);
    const text = description?.replaceAll(/\s+/g, ' ').trim();
    rules[custom.rule] = { title, ...(text === undefined ? {} : { description: text }), reason: custom.reason };
  }
  const sorted = Object.entries(rules).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`;
}
