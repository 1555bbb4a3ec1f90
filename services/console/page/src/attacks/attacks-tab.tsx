export default function AttacksTab() {
  return null;
}
