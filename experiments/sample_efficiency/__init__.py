"""How many real transitions a world needs before an agent that was planned in it alone does well in reality."""
