export default function PolicyTab() {
  return null;
}
