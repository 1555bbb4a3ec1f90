export default function IdentitiesTab() {
  return null;
}
