export function Refusals() {
  return null;
}
