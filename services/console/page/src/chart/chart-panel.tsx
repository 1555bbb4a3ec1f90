export default function ChartPanel() {
  return null;
}
