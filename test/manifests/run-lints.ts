/** Runs lints over a world, a lint's own failure being a finding too: what could not be judged is not in order. */
import type { Finding } from './findings.ts';
import type { Lint, World } from './world.ts';

export function runLints(lints: readonly Lint[], world: World): readonly Finding[] {
  return lints.flatMap((lint) => {
    try {
      return lint(world);
    } catch (error) {
      const says = error instanceof Error ? error.message : String(error);
      return [{ rule: 'not-judged', object: world.name, says: `${lint.name}: ${says}` }];
    }
  });
}
