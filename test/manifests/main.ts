/** Checks everything that people apply, prints a line for each part and each finding, and fails when there is one: `main.ts '{"kubectl":"..."}'`. */
import { checkFiles } from './check-files.ts';
import { checkWithPrograms } from './check-programs.ts';
import { checkExamples, checkOverlays, checkPlantedFaults, checkSystems } from './check-rendered.ts';
import { formatFinding, type Part } from './findings.ts';
import { asJson, textsAt } from './json.ts';
import { readSurroundings } from './systems.ts';

if (import.meta.main) {
  const tools = textsAt(asJson(JSON.parse(process.argv[2] ?? '{}')));
  let failed = 0;
  for (const { title, findings } of parts(tools)) {
    failed += findings.length;
    console.log(`${findings.length === 0 ? 'ok    ' : 'FAILED'} ${title}`);
    for (const finding of findings) console.log(`       ${formatFinding(finding)}`);
  }
  if (failed > 0) console.log(`manifests: ${failed} findings`);
  process.exitCode = failed === 0 ? 0 : 1;
}

/** One after the other: what is printed says where it stands. */
function* parts(tools: Readonly<Record<string, string>>): Generator<Part> {
  yield* checkFiles();
  const { kubectl } = tools;
  if (kubectl === undefined) return;
  const surroundings = readSurroundings();
  yield* checkSystems(kubectl, surroundings);
  yield* checkOverlays(kubectl);
  yield* checkExamples(kubectl, surroundings);
  if (tools['tilt'] === undefined) return;
  yield* checkPlantedFaults(kubectl, surroundings);
  yield* checkWithPrograms(tools, surroundings);
}
