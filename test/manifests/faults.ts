/**
 * Faults to plant, one for each way a rule can be broken: a lint that does not see its own is no lint. Each names objects that
 * the small system and the real one both have, so both are broken in the same way.
 */
import { OBJECT_FAULTS } from './object-faults.ts';
import type { Fault } from './plant.ts';
import { SYSTEM_FAULTS } from './system-faults.ts';

export const FAULTS: readonly Fault[] = [...OBJECT_FAULTS, ...SYSTEM_FAULTS];
