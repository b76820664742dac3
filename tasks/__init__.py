"""What is to be solved, and was it?"""
