/** The shipped telemetry configuration, and what its dashboard asks. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the configuration. */
export const COLLECTOR_FILES = fileURLToPath(new URL('../../packages/telemetry/collector/', import.meta.url));

/** A query of the dashboard. */
export interface DashboardQuery {
  readonly panel: string;
  /** For all services, as Grafana sends it. */
  readonly expr: string;
}

interface Dashboard {
  readonly panels: ReadonlyArray<{
    readonly title: string;
    readonly targets: ReadonlyArray<{ readonly expr: string }>;
  }>;
}

/** All of them, the variable filled in. */
export async function dashboardQueries(): Promise<DashboardQuery[]> {
  const { panels }: Dashboard = JSON.parse(await readFile(join(COLLECTOR_FILES, 'grafana', 'dashboard.json'), 'utf8'));
  return panels.flatMap(({ title, targets }) =>
    targets.map(({ expr }) => ({ panel: title, expr: expr.replaceAll('$service', '.*') })),
  );
}
