"""What questions are answered from: one function for each intent, which reads and says; each takes no more rights."""
